/*
 * radios - the PC's Wi-Fi cards, a second time: their drivers are in the kernel and ask for the cards' firmware before
 * anything is mounted that could hold it, get none and give up. Once /usr is there they are asked again.
 */
#ifndef FIRMWARE_BOOT_RADIOS_H
#define FIRMWARE_BOOT_RADIOS_H

/*
 * Offer every PCI network card that is no wired one and in which no radio runs to the drivers anew (`sys`: "/sys"; ABI:
 * sysfs-bus-pci, unbind and drivers_probe). A driver that holds a dead card is taken off it before. Waits for drivers,
 * so it is for a process of its own. How many there were, or -errno.
 */
int radios_offer(const char *sys);

#endif
