'use strict';

// The transfer form: the balance after it, and the page that asks once more before anything is sent.
function transferForm(form) {
	const confirmPage = document.getElementById('confirm');
	const complaint = document.getElementById('complaint');
	const after = document.getElementById('after');
	const balance = Number(document.getElementById('balance').textContent.replace(/,/g, ''));
	const field = (name) => form.elements[name].value.trim();
	const amount = () => (/^[0-9]{1,9}$/.test(field('amount')) ? Number(field('amount')) : 0);
	const good = () => amount() >= 1 && amount() <= balance && /^[0-9]{7}$/.test(field('account')) && field('payee') !== '';

	form.addEventListener('input', () => {
		const left = balance - amount();
		after.textContent = amount() && left >= 0 ? after.dataset.text.replace('{}', left.toLocaleString('en-US')) : '';
	});
	form.addEventListener('submit', (event) => {
		event.preventDefault();
		complaint.className = good() ? 'hidden' : 'error';
		complaint.textContent = complaint.dataset.text;
		if (!good())
			return;
		for (const place of confirmPage.querySelectorAll('[data-from]')) {
			const name = place.dataset.from;
			const value = name === 'amount' ? amount().toLocaleString('en-US') : field(name);
			place.textContent = value + (place.dataset.unit || '');
		}
		form.classList.add('hidden');
		confirmPage.classList.remove('hidden');
		document.getElementById('go').focus();
	});
	document.getElementById('go').addEventListener('click', () => form.submit());
	document.getElementById('back').addEventListener('click', () => {
		confirmPage.classList.add('hidden');
		form.classList.remove('hidden');
		form.elements.account.focus();
	});
}

const transfer = document.getElementById('transfer');
if (transfer)
	transferForm(transfer);

// A letter or digit opens the link that is marked with it, for hands that know the page.
document.addEventListener('keydown', (event) => {
	if (event.target.matches('input, select'))
		return;
	const link = document.querySelector(`a[data-key="${CSS.escape(event.key)}"]`);
	if (link && !event.ctrlKey && !event.altKey)
		location.href = link.href;
});
