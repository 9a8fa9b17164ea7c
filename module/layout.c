/* layout.c - by values that can stand nowhere else: a state's own address, and two addresses of
 * functions. They lie behind the members that we use, so a member more or less in front shows. */
#include "layout.h"

#include <stdatomic.h>

static atomic_bool is_foreign;

bool layout_fits_environment(const struct module_env *env, int id,
	int (*begin)(struct module_env *, int))
{
	const struct dynlibmod_env *dynlib = env->modinfo[id];

	return dynlib && dynlib->func_init == begin;
}

bool layout_fits_query(const struct module_qstate *qstate, int id)
{
	const struct mesh_state *mesh = qstate->mesh_info;

	if (qstate->curmod != id || &mesh->s != qstate)
		return false;
	return mesh->super_set.cmp == mesh_state_ref_compare &&
		mesh->sub_set.cmp == mesh_state_ref_compare;
}

bool layout_set_foreign(bool foreign)
{
	return atomic_exchange(&is_foreign, foreign);
}

bool layout_is_foreign(void)
{
	return atomic_load_explicit(&is_foreign, memory_order_relaxed);
}
