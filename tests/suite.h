/* suite.h - how a Check suite becomes a program: TAP when `make check` asks for it. */
#ifndef SINK_SUITE_H
#define SINK_SUITE_H

#include <check.h>
#include <stdlib.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* An assertion that holds is not noted: Check would write where it was to a file, each time, to name the last one before
 * a crash; in loops that was most of what a test did. A debugger or a sanitizer says more of a crash. */
#define _mark_point(file, line) ((void)0)

/* Of many cases that are like each other a sanitizer's build tries each STRIDE-th, and any other build all: there a
 * case costs ten times as much, and most of that in libraries that no sanitizer sees into. */
#ifdef __SANITIZE_ADDRESS__
#define STRIDE 7
#else
#define STRIDE 1
#endif

/* Run it and free it.
 *
 * returns  the exit status of the program
 */
static inline int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	/* With TAP on stdout, nothing else belongs there. */
	srunner_run_all(runner, getenv("CK_TAP_LOG_FILE_NAME") ? CK_SILENT : CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}

#endif
