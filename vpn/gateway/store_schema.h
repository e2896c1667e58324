/* store_schema - the database's schema as a list of steps; db_schema_version() counts those taken. */
#ifndef VPN_GATEWAY_STORE_SCHEMA_H
#define VPN_GATEWAY_STORE_SCHEMA_H

extern const char *const store_migrations[];
extern const int store_migration_count;

#endif
