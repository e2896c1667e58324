/*
 * children - the stick's own processes that are this one program, re-executed as `launcher --as NAME`.
 *
 * Each NAME_main() is entered by child_start() (firmware/lib/proc.h) already in its namespace, uid and capabilities,
 * with its channel to the launcher at CHILD_CHANNEL_FD and the descriptors of its row from 4 on. It opens its peers,
 * calls sandbox_enter() and loops. The value returned is the exit status; 0 is an end that was asked for.
 */
#ifndef LAUNCHER_CHILDREN_H
#define LAUNCHER_CHILDREN_H

int launcher_main(void); /* without --as: the parent of the others */

int record_main(void);
int link_main(void);
int tunnel_main(void);
int keyholder_main(void);
int policy_main(void);
int broker_main(void);
int agent_main(void);

#endif
