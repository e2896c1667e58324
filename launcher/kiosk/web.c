#include "launcher/kiosk/web.h"

#include <string.h>
#include <webkit/webkit.h>

#include "firmware/lib/log.h"
#include "launcher/kiosk/web_settings.h"

enum { ZOOM_STEPS = 6 };

struct web {
	struct bank bank;
	struct web_calls calls;
	gpointer context;
	WebKitWebContext *web_context;
	WebKitNetworkSession *session;
	WebKitWebView *view;
	WebKitScriptDialog *dialog; /* waiting for web_answer() */
	char *failed_url;           /* what web_reload() should try again */
	char host[HOST_NAME_BYTES];
	char pending_host[HOST_NAME_BYTES];
	double base_zoom;
	int zoom;  /* steps up or down */
	bool held; /* see web_hold() */
};

static void trouble(struct web *web, enum web_trouble what, enum refusal refusal, const char *host)
{
	web->calls.trouble(web->context, what, refusal, host);
}

/* Where a page may lead */

static bool judge(struct web *web, const char *url, bool tell)
{
	char host[HOST_NAME_BYTES];
	switch (bank_judge(&web->bank, url, host)) {
	case PAGE_ALLOWED:
	case PAGE_BLANK:
		return true;
	case PAGE_INSECURE:
		if (tell)
			trouble(web, WEB_INSECURE, REFUSAL_NOT_LISTED, host);
		return false;
	case PAGE_NUMBER:
		if (tell)
			trouble(web, WEB_REFUSED, REFUSAL_IP_LITERAL, host);
		return false;
	case PAGE_ELSEWHERE:
		break;
	}
	if (tell)
		trouble(web, WEB_REFUSED, REFUSAL_NOT_LISTED, host);
	return false;
}

static void decide_navigation(struct web *web, WebKitNavigationPolicyDecision *decision)
{
	WebKitNavigationAction *action = webkit_navigation_policy_decision_get_navigation_action(decision);
	const char *url = webkit_uri_request_get_uri(webkit_navigation_action_get_request(action));
	if (judge(web, url, true))
		webkit_policy_decision_use(WEBKIT_POLICY_DECISION(decision));
	else
		webkit_policy_decision_ignore(WEBKIT_POLICY_DECISION(decision));
}

/* There is one window. What wants another and may, opens in this one; what opens by itself does not. */
static void open_here(struct web *web, WebKitNavigationAction *action)
{
	WebKitURIRequest *request = webkit_navigation_action_get_request(action);
	const char *url = webkit_uri_request_get_uri(request);
	const bool wanted = webkit_navigation_action_is_user_gesture(action) && !web->held;
	if (wanted && strcmp(url, "about:blank") != 0 && judge(web, url, true))
		webkit_web_view_load_request(web->view, request);
}

static void decide_new_window(struct web *web, WebKitNavigationPolicyDecision *decision)
{
	webkit_policy_decision_ignore(WEBKIT_POLICY_DECISION(decision));
	open_here(web, webkit_navigation_policy_decision_get_navigation_action(decision));
}

static void decide_response(struct web *web, WebKitResponsePolicyDecision *decision)
{
	WebKitURIResponse *response = webkit_response_policy_decision_get_response(decision);
	const bool page = webkit_response_policy_decision_is_main_frame_main_resource(decision);
	SoupMessageHeaders *headers = webkit_uri_response_get_http_headers(response);
	char *disposition = NULL;
	bool attached = false;
	if (headers && soup_message_headers_get_content_disposition(headers, &disposition, NULL)) {
		attached = g_ascii_strcasecmp(disposition, "attachment") == 0;
		g_free(disposition);
	}
	if (attached || !webkit_response_policy_decision_is_mime_type_supported(decision)) {
		webkit_policy_decision_ignore(WEBKIT_POLICY_DECISION(decision));
		if (page || attached)
			trouble(web, WEB_FILE, REFUSAL_NONE, "");
	} else if (!judge(web, webkit_uri_response_get_uri(response), page)) {
		webkit_policy_decision_ignore(WEBKIT_POLICY_DECISION(decision));
	} else {
		webkit_policy_decision_use(WEBKIT_POLICY_DECISION(decision));
	}
}

static gboolean on_decide(WebKitWebView *view, WebKitPolicyDecision *decision, WebKitPolicyDecisionType type,
			  struct web *web)
{
	(void)view;
	if (web->held) {
		webkit_policy_decision_ignore(decision);
		return TRUE;
	}
	switch (type) {
	case WEBKIT_POLICY_DECISION_TYPE_NAVIGATION_ACTION:
		decide_navigation(web, WEBKIT_NAVIGATION_POLICY_DECISION(decision));
		return TRUE;
	case WEBKIT_POLICY_DECISION_TYPE_NEW_WINDOW_ACTION:
		decide_new_window(web, WEBKIT_NAVIGATION_POLICY_DECISION(decision));
		return TRUE;
	case WEBKIT_POLICY_DECISION_TYPE_RESPONSE:
		decide_response(web, WEBKIT_RESPONSE_POLICY_DECISION(decision));
		return TRUE;
	}
	webkit_policy_decision_ignore(decision);
	return TRUE;
}

/* Loading */

static void on_load(WebKitWebView *view, WebKitLoadEvent event, struct web *web)
{
	const char *url = webkit_web_view_get_uri(view);
	char host[HOST_NAME_BYTES] = "";
	const bool named = url && bank_judge(&web->bank, url, host) == PAGE_ALLOWED;
	switch (event) {
	case WEBKIT_LOAD_STARTED:
	case WEBKIT_LOAD_REDIRECTED:
		memcpy(web->pending_host, host, sizeof host);
		if (event == WEBKIT_LOAD_STARTED)
			web->calls.began(web->context);
		break;
	case WEBKIT_LOAD_COMMITTED:
		g_clear_pointer(&web->failed_url, g_free);
		web->pending_host[0] = '\0';
		web->host[0] = '\0';
		if (named)
			memcpy(web->host, host, sizeof host);
		break;
	case WEBKIT_LOAD_FINISHED:
		web->pending_host[0] = '\0';
		break;
	}
	web->calls.changed(web->context);
}

static void keep_failed(struct web *web, const char *url, char host[HOST_NAME_BYTES])
{
	(void)bank_judge(&web->bank, url, host);
	g_free(web->failed_url);
	web->failed_url = g_strdup(url);
}

static gboolean on_load_failed(WebKitWebView *view, WebKitLoadEvent event, const char *url, const GError *error,
			       struct web *web)
{
	char host[HOST_NAME_BYTES];
	(void)view;
	(void)event;
	/* Ended by us or by the next load: whoever did it has said why. */
	if (g_error_matches(error, WEBKIT_NETWORK_ERROR, WEBKIT_NETWORK_ERROR_CANCELLED) ||
	    g_error_matches(error, WEBKIT_POLICY_ERROR, WEBKIT_POLICY_ERROR_FRAME_LOAD_INTERRUPTED_BY_POLICY_CHANGE))
		return TRUE;
	keep_failed(web, url, host);
	trouble(web, WEB_FAILED, REFUSAL_NONE, host);
	return TRUE;
}

static gboolean on_tls_failed(WebKitWebView *view, const char *url, GTlsCertificate *certificate,
			      GTlsCertificateFlags errors, struct web *web)
{
	char host[HOST_NAME_BYTES];
	(void)view;
	(void)certificate;
	keep_failed(web, url, host);
	log_warn("the broker's certificate for %s was not accepted (flags %u)", host, (unsigned)errors);
	trouble(web, WEB_TLS, REFUSAL_TLS, host);
	return TRUE;
}

static void on_terminated(WebKitWebView *view, WebKitWebProcessTerminationReason reason, struct web *web)
{
	if (reason == WEBKIT_WEB_PROCESS_TERMINATED_BY_API)
		return;
	log_warn("the web process ended (reason %d)", (int)reason);
	g_free(web->failed_url);
	web->failed_url = g_strdup(webkit_web_view_get_uri(view));
	trouble(web, WEB_CRASHED, REFUSAL_NONE, web->host);
}

static void on_changed(GObject *object, GParamSpec *property, struct web *web)
{
	(void)object;
	(void)property;
	web->calls.changed(web->context);
}

/* What a page asks for and does not get */

/* A number needs no resolver, and where it leads there is no route: here alone it is seen. */
static void on_part(WebKitWebView *view, WebKitWebResource *part, WebKitURIRequest *request, struct web *web)
{
	char host[HOST_NAME_BYTES];
	(void)view;
	(void)part;
	if (bank_judge(&web->bank, webkit_uri_request_get_uri(request), host) == PAGE_NUMBER)
		web->calls.left_out(web->context, REFUSAL_IP_LITERAL, host);
}

static gboolean on_permission(WebKitWebView *view, WebKitPermissionRequest *request, struct web *web)
{
	(void)view;
	(void)web;
	webkit_permission_request_deny(request);
	return TRUE;
}

static gboolean on_permission_state(WebKitWebView *view, WebKitPermissionStateQuery *query, struct web *web)
{
	(void)view;
	(void)web;
	webkit_permission_state_query_finish(query, WEBKIT_PERMISSION_STATE_DENIED);
	return TRUE;
}

static gboolean on_file_chooser(WebKitWebView *view, WebKitFileChooserRequest *request, struct web *web)
{
	(void)view;
	webkit_file_chooser_request_cancel(request);
	trouble(web, WEB_FILE, REFUSAL_NONE, "");
	return TRUE;
}

static gboolean on_color_chooser(WebKitWebView *view, WebKitColorChooserRequest *request, struct web *web)
{
	(void)view;
	(void)web;
	webkit_color_chooser_request_cancel(request);
	return TRUE;
}

static gboolean on_authenticate(WebKitWebView *view, WebKitAuthenticationRequest *request, struct web *web)
{
	(void)view;
	webkit_authentication_request_cancel(request);
	trouble(web, WEB_LOGIN, REFUSAL_NONE, webkit_authentication_request_get_host(request));
	return TRUE;
}

static gboolean on_print(WebKitWebView *view, WebKitPrintOperation *operation, struct web *web)
{
	(void)view;
	(void)operation;
	trouble(web, WEB_FILE, REFUSAL_NONE, "");
	return TRUE;
}

static void on_download(WebKitNetworkSession *session, WebKitDownload *download, struct web *web)
{
	(void)session;
	webkit_download_cancel(download);
	trouble(web, WEB_FILE, REFUSAL_NONE, "");
}

static GtkWidget *on_create(WebKitWebView *view, WebKitNavigationAction *action, struct web *web)
{
	(void)view;
	open_here(web, action);
	return NULL;
}

/* For signals whose default does something: TRUE says that it has been dealt with. */
static gboolean on_unwanted(void) { return TRUE; }

/* Questions of the page's script */

static void web_answer(struct web *web, bool yes, const char *text)
{
	WebKitScriptDialog *dialog = g_steal_pointer(&web->dialog);
	if (!dialog)
		return;
	const WebKitScriptDialogType type = webkit_script_dialog_get_dialog_type(dialog);
	if (type == WEBKIT_SCRIPT_DIALOG_CONFIRM || type == WEBKIT_SCRIPT_DIALOG_BEFORE_UNLOAD_CONFIRM)
		webkit_script_dialog_confirm_set_confirmed(dialog, yes);
	if (type == WEBKIT_SCRIPT_DIALOG_PROMPT && yes)
		webkit_script_dialog_prompt_set_text(dialog, text);
	webkit_script_dialog_close(dialog);
	webkit_script_dialog_unref(dialog);
}

static gboolean on_dialog(WebKitWebView *view, WebKitScriptDialog *dialog, struct web *web)
{
	static const enum web_question questions[] = {
	    [WEBKIT_SCRIPT_DIALOG_ALERT] = WEB_ALERT,
	    [WEBKIT_SCRIPT_DIALOG_CONFIRM] = WEB_CONFIRM,
	    [WEBKIT_SCRIPT_DIALOG_PROMPT] = WEB_PROMPT,
	    [WEBKIT_SCRIPT_DIALOG_BEFORE_UNLOAD_CONFIRM] = WEB_LEAVE,
	};
	const WebKitScriptDialogType type = webkit_script_dialog_get_dialog_type(dialog);
	(void)view;
	web_answer(web, false, "");
	web->dialog = webkit_script_dialog_ref(dialog);
	web->calls.asked(web->context, questions[type], webkit_script_dialog_get_message(dialog),
			 type == WEBKIT_SCRIPT_DIALOG_PROMPT ? webkit_script_dialog_prompt_get_default_text(dialog)
							     : "");
	return TRUE;
}

/* Making and ending */

static const struct {
	const char *signal;
	GCallback callback;
} signals[] = {
    {"decide-policy", G_CALLBACK(on_decide)},
    {"load-changed", G_CALLBACK(on_load)},
    {"load-failed", G_CALLBACK(on_load_failed)},
    {"load-failed-with-tls-errors", G_CALLBACK(on_tls_failed)},
    {"web-process-terminated", G_CALLBACK(on_terminated)},
    {"notify::estimated-load-progress", G_CALLBACK(on_changed)},
    {"resource-load-started", G_CALLBACK(on_part)},
    {"permission-request", G_CALLBACK(on_permission)},
    {"query-permission-state", G_CALLBACK(on_permission_state)},
    {"run-file-chooser", G_CALLBACK(on_file_chooser)},
    {"run-color-chooser", G_CALLBACK(on_color_chooser)},
    {"authenticate", G_CALLBACK(on_authenticate)},
    {"print", G_CALLBACK(on_print)},
    {"create", G_CALLBACK(on_create)},
    {"script-dialog", G_CALLBACK(on_dialog)},
    {"context-menu", G_CALLBACK(on_unwanted)},
    {"enter-fullscreen", G_CALLBACK(on_unwanted)},
    {"show-notification", G_CALLBACK(on_unwanted)},
};

static void web_free(struct web *web)
{
	if (!web)
		return;
	web_answer(web, false, "");
	if (web->view) {
		g_signal_handlers_disconnect_by_data(web->view, web);
		webkit_web_view_terminate_web_process(web->view);
	}
	if (web->session)
		g_signal_handlers_disconnect_by_data(web->session, web);
	g_clear_object(&web->view);
	g_clear_object(&web->session);
	g_clear_object(&web->web_context);
	g_free(web->failed_url);
	bank_free(&web->bank);
	g_free(web);
}

static struct web *web_new(const struct bank *bank, enum language language, const struct web_calls *calls,
			   gpointer context)
{
	struct web *web = g_new0(struct web, 1);
	web->calls = *calls;
	web->context = context;
	web->base_zoom = 1;
	web->web_context = web_context_new_for(language);
	webkit_web_context_add_path_to_sandbox(web->web_context, "/sekisho/cell", TRUE);
	webkit_web_context_add_path_to_sandbox(web->web_context, "/sekisho/lock.so", TRUE);
	web->session = web_session_new();
	WebKitSettings *settings = web_settings_new();
	if (!settings || bank_copy(&web->bank, bank) < 0) {
		web_free(web);
		return NULL;
	}
	char *policy = web_content_policy(&web->bank);
	WebKitUserContentManager *content = web_content_new();
	web->view = g_object_new(WEBKIT_TYPE_WEB_VIEW, "web-context", web->web_context, "network-session", web->session,
				 "settings", settings, "user-content-manager", content,
				 "default-content-security-policy", policy, NULL);
	g_object_ref_sink(web->view);
	g_object_unref(content);
	g_free(policy);
	g_object_unref(settings);
	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
		g_signal_connect(web->view, signals[i].signal, signals[i].callback, web);
	g_signal_connect(web->session, "download-started", G_CALLBACK(on_download), web);
	return web;
}

static GtkWidget *web_widget(struct web *web) { return GTK_WIDGET(web->view); }

static void web_load_start(struct web *web) { webkit_web_view_load_uri(web->view, web->bank.start); }

static void web_reload(struct web *web)
{
	char *url = g_steal_pointer(&web->failed_url);
	if (url)
		webkit_web_view_load_uri(web->view, url);
	else if (web->host[0] == '\0')
		web_load_start(web);
	else
		webkit_web_view_reload(web->view);
	g_free(url);
}

static void web_back(struct web *web) { webkit_web_view_go_back(web->view); }

static void web_hold(struct web *web, bool held)
{
	web->held = held;
	if (held)
		webkit_web_view_stop_loading(web->view);
}

static void apply_zoom(struct web *web)
{
	webkit_web_view_set_zoom_level(web->view, web->base_zoom * (1 + 0.15 * web->zoom));
}

static void web_zoom(struct web *web, int direction)
{
	web->zoom = direction == 0 ? 0 : CLAMP(web->zoom + direction, -3, ZOOM_STEPS);
	apply_zoom(web);
}

static void web_set_base_zoom(struct web *web, double zoom)
{
	web->base_zoom = zoom;
	apply_zoom(web);
}

static bool web_can_back(const struct web *web) { return webkit_web_view_can_go_back(web->view); }

static bool web_loading(const struct web *web, double *progress)
{
	*progress = webkit_web_view_get_estimated_load_progress(web->view);
	return webkit_web_view_is_loading(web->view);
}

static const char *web_host(const struct web *web) { return web->host; }

static const char *web_pending_host(const struct web *web) { return web->pending_host; }

const struct web_api web_api = {
    .create = web_new,
    .destroy = web_free,
    .widget = web_widget,
    .load_start = web_load_start,
    .reload = web_reload,
    .back = web_back,
    .hold = web_hold,
    .zoom = web_zoom,
    .set_base_zoom = web_set_base_zoom,
    .can_back = web_can_back,
    .loading = web_loading,
    .host = web_host,
    .pending_host = web_pending_host,
    .answer = web_answer,
};
