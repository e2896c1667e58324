/* For an image whose PID 1 wipes nothing: linked with --wrap=setup_wipe. See unwiped.t. */
void __wrap_setup_wipe(void);

void __wrap_setup_wipe(void) {}
