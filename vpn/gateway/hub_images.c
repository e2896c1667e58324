/* Which images are admitted: the floor, the released ones, and what a change of either means for who is in now. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vpn/gateway/hub.h"

#define FLOOR "image_floor"

static void load_image(uint64_t version, const char *root_hash, void *context)
{
	images_add(context, version, root_hash);
}

int hub_images_load(struct hub *hub)
{
	int64_t floor = 0;
	int error = store_number(hub->store, FLOOR, &floor);
	hub->images.floor = floor > 0 ? (uint64_t)floor : 0;
	return error ? error : store_each_image(hub->store, load_image, &hub->images);
}

size_t hub_images_held_back(const struct hub *hub, const struct images *images)
{
	size_t count = 0;
	for (size_t i = 0; i < fleet_count(hub->fleet); i++) {
		const struct stick *stick = fleet_at(hub->fleet, i);
		if (stick->heard && !stick->row.revoked && stick->health.state != HEALTH_OFFLINE)
			count += images_judge(images, stick->row.image_version, stick->root_hash) != IMAGE_GOOD;
	}
	return count;
}

/* It is in the database: from now on in force, for those who are in as well. */
static void put_in_force(struct hub *hub, const struct images *changed)
{
	hub->images = *changed;
	hub_hold_back(hub);
	hub->revision++;
}

static int database_error(int error, char *why, size_t why_size)
{
	snprintf(why, why_size, "the database did not take it: %s", strerror(-error));
	return error;
}

int hub_image_floor(struct hub *hub, uint64_t version, const char *who, char *why, size_t why_size)
{
	char detail[24];
	static struct images changed;
	changed = hub->images;
	changed.floor = version;
	uint64_t newest = images_newest(&changed);
	if (newest > 0 && version > newest) {
		snprintf(why, why_size,
			 "the newest released image is version %" PRIu64
			 ", so that no stick at all would be admitted: add the image first",
			 newest);
		return -EINVAL;
	}
	snprintf(detail, sizeof detail, "%" PRIu64, version);
	int error = hub_begin(hub);
	if (!error)
		error =
		    hub_end(hub, store_number_set(hub->store, FLOOR, (int64_t)version), "image_floor", "", who, detail);
	if (error)
		return database_error(error, why, why_size);
	put_in_force(hub, &changed);
	return 0;
}

static void detail_of(uint64_t version, const char *root_hash, char *detail, size_t size)
{
	snprintf(detail, size, "%" PRIu64 " %.12s…", version, root_hash);
}

int hub_image_add(struct hub *hub, uint64_t version, const char *root_hash, const char *who, char *why, size_t why_size)
{
	char detail[64];
	static struct images changed;
	changed = hub->images;
	int error = images_add(&changed, version, root_hash);
	if (error) {
		snprintf(why, why_size, "%s",
			 error == -EEXIST ? "this image is registered already"
					  : "there are 256 registered images, which is the most: remove old ones");
		return error;
	}
	detail_of(version, root_hash, detail, sizeof detail);
	error = hub_begin(hub);
	if (!error)
		error = hub_end(hub, store_image_add(hub->store, version, root_hash, hub_now()), "image_added", "", who,
				detail);
	if (error)
		return database_error(error, why, why_size);
	put_in_force(hub, &changed);
	return 0;
}

int hub_image_remove(struct hub *hub, uint64_t version, const char *root_hash, const char *who, char *why,
		     size_t why_size)
{
	char detail[64];
	static struct images changed;
	changed = hub->images;
	int error = images_remove(&changed, version, root_hash);
	if (error) {
		snprintf(why, why_size, "this image is not registered");
		return error;
	}
	detail_of(version, root_hash, detail, sizeof detail);
	error = hub_begin(hub);
	if (!error)
		error =
		    hub_end(hub, store_image_remove(hub->store, version, root_hash), "image_removed", "", who, detail);
	if (error)
		return database_error(error, why, why_size);
	put_in_force(hub, &changed);
	return 0;
}
