#include "launcher/kiosk/web_settings.h"

#include "firmware/lib/log.h"

/* Of 512 MB the web process may have this much before WebKit gives caches back, and then ends it. */
enum { MEMORY_LIMIT_MB = 280 };

/* Identifiers as WebKitFeature names them. */
static const char *const features_off[] = {
    /* compilers and what runs beside the page */
    "CSSSelectorJITCompiler", "ServiceWorkers", "SharedWorker", "CacheAPI", "SpeculationRulesPrefetch",
    "LinkPreconnect", "LinkPreconnectEarlyHints",
    /* sound, pictures that move, drawing in three dimensions */
    "WebGL", "WebAudio", "Media", "MediaSource", "ManagedMediaSource", "MediaRecorder", "MediaSession",
    "MediaCapabilities", "WebCodecsVideo", "WebCodecsAudio", "SpeechSynthesisAPI",
    /* devices and permissions */
    "MediaDevices", "ScreenCapture", "Gamepads", "GeolocationAPI", "Notifications", "NotificationEvent",
    "PermissionsAPI", "ScreenWakeLockAPI", "PointerLock", "FullScreen", "StorageAccessAPI",
    /* files and other programs */
    "DownloadAttribute", "DirectoryUpload", "PDFJSViewer", "InputTypeColor", "AsyncClipboardAPI",
    "DOMPasteAccessRequests",
    /* old formats with parsers of their own */
    "XSLT", "MathML",
    /* being measured */
    "PrivateClickMeasurement", "SKAttribution", NULL};

const char *web_feature_off(size_t nth) { return nth < G_N_ELEMENTS(features_off) ? features_off[nth] : NULL; }

static bool features_switch_off(WebKitSettings *settings)
{
	bool all = true;
	WebKitFeatureList *list = webkit_settings_get_all_features();
	for (size_t i = 0; features_off[i]; i++) {
		WebKitFeature *feature = webkit_feature_list_find(list, features_off[i]);
		if (feature) {
			webkit_settings_set_feature_enabled(settings, feature, FALSE);
		} else {
			log_error("this WebKit does not know the feature %s, which has to be off", features_off[i]);
			all = false;
		}
	}
	webkit_feature_list_unref(list);
	return all;
}

WebKitSettings *web_settings_new(void)
{
	WebKitSettings *settings = g_object_new(
	    WEBKIT_TYPE_SETTINGS, "enable-developer-extras", FALSE, "enable-webgl", FALSE, "enable-webrtc", FALSE,
	    "enable-webaudio", FALSE, "enable-media", FALSE, "enable-media-stream", FALSE, "enable-mediasource", FALSE,
	    "enable-media-capabilities", FALSE, "enable-encrypted-media", FALSE, "enable-page-cache", FALSE,
	    "enable-fullscreen", FALSE, "enable-caret-browsing", FALSE, "enable-back-forward-navigation-gestures",
	    FALSE, "enable-smooth-scrolling", FALSE, "enable-2d-canvas-acceleration", FALSE,
	    "enable-write-console-messages-to-stdout", FALSE, "enable-site-specific-quirks", FALSE,
	    "javascript-can-access-clipboard", FALSE, "javascript-can-open-windows-automatically", FALSE,
	    "allow-modal-dialogs", FALSE, "allow-file-access-from-file-urls", FALSE,
	    "allow-universal-access-from-file-urls", FALSE, "allow-top-navigation-to-data-urls", FALSE,
	    "hardware-acceleration-policy", WEBKIT_HARDWARE_ACCELERATION_POLICY_NEVER, "default-font-family",
	    "IPAPGothic", "sans-serif-font-family", "IPAPGothic", "serif-font-family", "IPAPGothic",
	    "monospace-font-family", "DejaVu Sans Mono", "default-font-size", 16, "minimum-font-size", 11, NULL);
	if (!features_switch_off(settings))
		g_clear_object(&settings);
	return settings;
}

WebKitNetworkSession *web_session_new(void)
{
	WebKitNetworkSession *session = webkit_network_session_new_ephemeral();
	webkit_network_session_set_tls_errors_policy(session, WEBKIT_TLS_ERRORS_POLICY_FAIL);
	webkit_network_session_set_persistent_credential_storage_enabled(session, FALSE);
	webkit_network_session_set_proxy_settings(session, WEBKIT_NETWORK_PROXY_MODE_NO_PROXY, NULL);
	webkit_cookie_manager_set_accept_policy(webkit_network_session_get_cookie_manager(session),
						WEBKIT_COOKIE_POLICY_ACCEPT_NO_THIRD_PARTY);
	return session;
}

WebKitWebContext *web_context_new_for(enum language language)
{
	static const char *const languages[LANGUAGE_COUNT][3] = {{"ja-JP", "en-US", NULL}, {"en-US", "ja-JP", NULL}};
	WebKitMemoryPressureSettings *memory = webkit_memory_pressure_settings_new();
	webkit_memory_pressure_settings_set_memory_limit(memory, MEMORY_LIMIT_MB);
	webkit_memory_pressure_settings_set_kill_threshold(memory, 1.5);
	WebKitWebContext *context = g_object_new(WEBKIT_TYPE_WEB_CONTEXT, "memory-pressure-settings", memory,
						 "time-zone-override", "Asia/Tokyo", NULL);
	webkit_memory_pressure_settings_free(memory);
	webkit_web_context_set_cache_model(context, WEBKIT_CACHE_MODEL_DOCUMENT_VIEWER);
	webkit_web_context_set_spell_checking_enabled(context, FALSE);
	webkit_web_context_set_automation_allowed(context, FALSE);
	webkit_web_context_set_preferred_languages(context, languages[language]);
	return context;
}

/* The policy's text is what tells our refusals from those of the page's own policy, and the bank's hosts from others.
 */
#define POLICY_BEGINS "object-src 'none'; frame-src"

static const char refused_frames[] =
    "addEventListener('securitypolicyviolation', event => {"
    "  if (!event.isTrusted || !event.originalPolicy.startsWith(\"" POLICY_BEGINS "\") ||"
    "      !event.blockedURI.startsWith('https://'))"
    "    return;"
    "  const place = new URL(event.blockedURI), listed = event.originalPolicy.split(' ');"
    "  const above = place.hostname.replace(/^[^.]+/, '*');"
    "  if (!listed.includes('https://' + place.hostname) && !listed.includes('https://' + above))"
    "    fetch(place.origin, {mode: 'no-cors', credentials: 'omit', referrerPolicy: 'no-referrer'}).catch(() => {});"
    "}, true);";

WebKitUserContentManager *web_content_new(void)
{
	WebKitUserContentManager *content = webkit_user_content_manager_new();
	WebKitUserScript *script =
	    webkit_user_script_new_for_world(refused_frames, WEBKIT_USER_CONTENT_INJECT_ALL_FRAMES,
					     WEBKIT_USER_SCRIPT_INJECT_AT_DOCUMENT_START, "sekisho", NULL, NULL);
	webkit_user_content_manager_add_script(content, script);
	webkit_user_script_unref(script);
	return content;
}

char *web_content_policy(const struct bank *bank)
{
	GString *policy = g_string_new(POLICY_BEGINS);
	for (size_t i = 0; i < bank->host_count; i++)
		g_string_append_printf(policy, " https://%s", bank->hosts[i]);
	return g_string_free(policy, FALSE);
}
