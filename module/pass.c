/* pass.c - Unbound tells only its first module that a query is new; the others learn that it was
 * passed to them. One module minds: dns64 takes a query that it did not see begin for one of its
 * own, and then maps no PTR and synthesises nothing for dns64-synthall. Behind us it would break. */
#include "pass.h"

static struct module_func_block *dns64_behind(const struct module_stack *mods, int id)
{
	if (id + 1 >= mods->num || strcmp(mods->mod[id + 1]->name, "dns64") != 0)
		return NULL;
	return mods->mod[id + 1];
}

/* Running dns64 from here is what mesh_run() would do next; it goes on with whichever module
 * `curmod` names, and reads that one's state (services/mesh.c, the same in 1.17 and 1.22). */
void pass_on(struct module_qstate *qstate, enum module_ev event, int id)
{
	struct module_func_block *dns64 = dns64_behind(&qstate->env->mesh->mods, id);

	qstate->ext_state[id] = module_wait_module;
	if (event != module_event_new || !dns64)
		return;
	qstate->curmod = id + 1;
	dns64->operate(qstate, event, id + 1, NULL);
}
