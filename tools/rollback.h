/* rollback.h - how a generation is known that is an older one again. */
#ifndef TOOLS_ROLLBACK_H
#define TOOLS_ROLLBACK_H

#define ROLLBACK_ORIGIN "rollback to " /* and a serial: its origin */

#endif
