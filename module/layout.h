/* layout.h - do Unbound's structures lie where our headers say? A distribution's security patch may
 * move their members and change neither version nor configure line, which is all that abi.h can see
 * (Debian's 1.22.0-2+deb13u3 inserted 24 bytes into struct mesh_state). */
#ifndef MODULE_LAYOUT_H
#define MODULE_LAYOUT_H

#include <stdbool.h>

#include "ub.h"

/* Is this our own entry in Unbound's environment? For init, before anything else of it is used.
 *
 * begin    our init, whose address Unbound's dynlib keeps there
 */
bool layout_fits_environment(const struct module_env *env, int id,
	int (*begin)(struct module_env *, int));

/* Is this a query state as we know it? Reads nothing through a pointer before that pointer was found
 * to be what it should. Any worker; some nanoseconds. */
bool layout_fits_query(const struct module_qstate *qstate, int id);

/* Whether something was seen that did not fit: from then on none of Unbound's structures may be
 * touched, in callbacks neither. Known at init, or at the first query that a worker brings.
 *
 * returns  layout_set_foreign(): what it was before
 * thread   any
 */
bool layout_set_foreign(bool foreign);
bool layout_is_foreign(void);

#endif
