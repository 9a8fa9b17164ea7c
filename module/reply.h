/* reply.h - what happens to each client's reply before it is encoded. */
#ifndef MODULE_REPLY_H
#define MODULE_REPLY_H

struct module_env;

/* In init, before workers run.
 *
 * returns  SINK_OK; SINK_ENOMEM
 */
int reply_register(struct module_env *env, int id);

/* In deinit. */
void reply_unregister(struct module_env *env, int id);

#endif
