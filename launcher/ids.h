/* ids - the uids (and gids, the same numbers) of the stick's processes, as /etc/passwd of the image names them. */
#ifndef LAUNCHER_IDS_H
#define LAUNCHER_IDS_H

enum stick_id {
	ID_RECORD = 101,
	ID_LINK = 102,
	ID_TUNNEL = 103,
	ID_KEYHOLDER = 104,
	ID_POLICY = 105,
	ID_BROKER = 106,
	ID_AGENT = 107,
	ID_WALL = 108,
	ID_DHCPCD = 109,
	ID_SEATD = 110,
	ID_WIFI = 111,
	ID_GUARD = 114,
	ID_TOKEN = 115,
	ID_KIOSK = 1000,
};

#endif
