// The demonstration bank behind nginx: log-in check, balance, transfer. A page is frame.html around pages/LANG/NAME.html,
// {{name}} replaced by an escaped value. What a session knows lives in nginx's shared dictionary and dies with it.
import fs from 'fs';
import querystring from 'querystring';

const DEMO_ID = '1234567';
const DEMO_PASSWORD = 'sekisho';
const LANGUAGES = ['ja', 'en'];
const TITLES = {
	login: { ja: 'ログイン', en: 'Log in' },
	accounts: { ja: '口座照会', en: 'Accounts' },
	transfer: { ja: '振込', en: 'Transfer' },
	receipt: { ja: '振込受付', en: 'Transfer accepted' },
	check: { ja: '点検ページ', en: 'Check page' },
	missing: { ja: 'ページがありません', en: 'No such page' },
};
const ERRORS = {
	login: {
		ja: '契約者番号またはパスワードが違います。もう一度入力してください。',
		en: 'The customer number or the password is wrong. Please enter them again.',
	},
	transfer: {
		ja: '入力をお確かめください。金額は1円以上、残高以内です。口座番号は7桁です。',
		en: 'Please check what you entered: the amount is between 1 yen and the balance, the account number has 7 digits.',
	},
};
const cache = {};

function template(path) {
	if (!cache[path])
		cache[path] = fs.readFileSync(`${ngx.prefix}pages/${path}`, 'utf8');
	return cache[path];
}

function escaped(text) {
	return String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function filled(text, values) {
	return text.replace(/\{\{(\w+)\}\}/g, (whole, name) => (name in values ? values[name] : whole));
}

function cookie(r, name) {
	const found = (r.headersIn.Cookie || '').split(/;\s*/).find((pair) => pair.startsWith(`${name}=`));
	return found ? found.slice(name.length + 1) : '';
}

function language(r) {
	const asked = r.args.lang || cookie(r, 'lang');
	return LANGUAGES.includes(asked) ? asked : 'ja';
}

function session_find(r) {
	const id = cookie(r, 'session');
	const text = /^[0-9a-f]{32}$/.test(id) ? ngx.shared.sessions.get(id) : undefined;
	return text ? { id: id, data: JSON.parse(text) } : null;
}

function session_store(session) {
	ngx.shared.sessions.set(session.id, JSON.stringify(session.data));
}

function session_new() {
	const bytes = crypto.getRandomValues(new Uint8Array(16));
	const session = {
		id: Buffer.from(bytes).toString('hex'),
		data: { balance: 2480153, transfers: [] },
	};
	session_store(session);
	return session;
}

function respond(r, status, name, values, logged_in) {
	const lang = language(r);
	const headers = ['Content-Type: text/html; charset=utf-8', 'Cache-Control: no-store'];
	const all = Object.assign({ error: '', error_class: 'hidden', path: escaped(r.uri) }, values);
	const page = filled(template(`${lang}/frame.html`), {
		title: TITLES[name][lang],
		content: filled(template(`${lang}/${name}.html`), all),
		name: name,
		path: escaped(r.uri),
		menu: logged_in ? 'menu' : 'hidden',
	});
	headers.forEach((line) => {
		const at = line.indexOf(': ');
		r.headersOut[line.slice(0, at)] = line.slice(at + 2);
	});
	if (r.args.lang)
		r.headersOut['Set-Cookie'] = [`lang=${lang}; Path=/; Secure; SameSite=Lax`];
	r.return(status, page);
}

function redirect(r, path, cookies) {
	if (cookies)
		r.headersOut['Set-Cookie'] = cookies;
	r.return(303, path);
}

function form(r) {
	return querystring.parse(r.requestText || '');
}

function yen(amount) {
	return String(amount).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

function home(r) {
	if (session_find(r))
		return redirect(r, '/accounts');
	return respond(r, 200, 'login', {}, false);
}

function login(r) {
	if (r.method !== 'POST')
		return redirect(r, '/');
	const given = form(r);
	if (given.id !== DEMO_ID || given.password !== DEMO_PASSWORD)
		return respond(r, 401, 'login', { error: ERRORS.login[language(r)], error_class: 'error' }, false);
	const session = session_new();
	return redirect(r, '/accounts', [`session=${session.id}; Path=/; Secure; HttpOnly; SameSite=Lax`]);
}

function logout(r) {
	const session = session_find(r);
	if (session)
		ngx.shared.sessions.delete(session.id);
	redirect(r, '/', ['session=; Path=/; Secure; HttpOnly; Max-Age=0']);
}

function accounts(r) {
	const session = session_find(r);
	if (!session)
		return redirect(r, '/');
	const rows = session.data.transfers.map((t) =>
		`<tr><td>${t.date}</td><td>${escaped(t.payee)}</td><td class="amount">-${yen(t.amount)}</td></tr>`);
	return respond(r, 200, 'accounts', { balance: yen(session.data.balance), transfers: rows.join('') }, true);
}

function transfer_accept(session, given) {
	const amount = /^[0-9]{1,9}$/.test(given.amount || '') ? Number(given.amount) : 0;
	const payee = (given.payee || '').slice(0, 40);
	if (amount < 1 || amount > session.data.balance || !/^[0-9]{7}$/.test(given.account || '') || !payee)
		return null;
	const made = {
		date: new Date().toISOString().slice(0, 10),
		payee: payee,
		amount: amount,
		number: String(100000 + session.data.transfers.length + 1),
	};
	session.data.balance -= amount;
	session.data.transfers.unshift(made);
	session_store(session);
	return made;
}

function transfer(r) {
	const session = session_find(r);
	if (!session)
		return redirect(r, '/');
	const balance = yen(session.data.balance);
	if (r.method !== 'POST')
		return respond(r, 200, 'transfer', { balance: balance }, true);
	const made = transfer_accept(session, form(r));
	if (!made)
		return respond(r, 400, 'transfer',
			{ balance: balance, error: ERRORS.transfer[language(r)], error_class: 'error' }, true);
	return respond(r, 200, 'receipt', { amount: yen(made.amount), payee: escaped(made.payee), number: made.number,
		balance: yen(session.data.balance) }, true);
}

function check(r) {
	respond(r, 200, 'check', {}, Boolean(session_find(r)));
}

function missing(r) {
	respond(r, 404, 'missing', {}, Boolean(session_find(r)));
}

// Pages an attacker might have altered: plain on purpose, the same in both languages.
function altered(r, heading, body) {
	r.headersOut['Content-Type'] = 'text/html; charset=utf-8';
	r.headersOut['Cache-Control'] = 'no-store';
	r.return(200, filled(template('altered.html'), { heading: heading, body: body }));
}

function ads(r) {
	altered(r, 'ADS PAGE', '<p id="result">NO FOREIGN SCRIPT RAN</p><script src="https://evil-cdn.example/ad.js"></script>');
}

function popup(r) {
	altered(r, 'POPUP PAGE', '<p id="result">trying</p><button id="open" class="primary" autofocus>OPEN</button>' +
		'<script src="https://static.bank-assets.example/popup.js"></script>');
}

function frame(r) {
	altered(r, 'FRAME PAGE', '<iframe src="https://198.51.100.10/" title="number"></iframe><iframe src="https://phish.example/" title="frame"></iframe><p>AFTER THE FRAME</p>');
}

// Bytes for measuring and for a transfer that a test cuts half way.
function large(r) {
	const size = Math.min(Number(r.args.bytes) || 1048576, 67108864);
	const part = 'sekisho '.repeat(8192);
	r.headersOut['Content-Type'] = 'application/octet-stream';
	r.headersOut['Content-Length'] = String(size);
	r.status = 200;
	r.sendHeader();
	for (let sent = 0; sent < size; sent += part.length)
		r.send(part.slice(0, Math.min(part.length, size - sent)));
	r.finish();
}

export default { home, login, logout, accounts, transfer, check, missing, ads, popup, frame, large };
