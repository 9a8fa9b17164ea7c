/* symbols.h - the six functions that Unbound looks up by name in a dynlib file; nothing else is to be seen of it from
 * outside. What each is called for is said in Unbound's util/module.h. */
#ifndef MODULE_SYMBOLS_H
#define MODULE_SYMBOLS_H

#include "ub.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT int init(struct module_env *env, int id);
EXPORT void deinit(struct module_env *env, int id);
EXPORT void operate(struct module_qstate *qstate, enum module_ev event, int id,
	struct outbound_entry *entry);
EXPORT void inform_super(struct module_qstate *qstate, int id, struct module_qstate *super);
EXPORT void clear(struct module_qstate *qstate, int id);
EXPORT size_t get_mem(struct module_env *env, int id);

#endif
