/* keys.h - what a key of sinkhole.yaml, or of a SOURCE on the command line, is: a row. What reads them, what
 * complains, the completion of misspelt ones and the test that compares them with the manual walk the rows. */
#ifndef TOOLS_KEYS_H
#define TOOLS_KEYS_H

#include "sinkhole/err.h"
#include "sinkhole/span.h"

enum key_shape {
	KEY_TEXT, /* one text, number or word */
	KEY_TEXTS, /* a list of them, or one */
	KEY_OWN, /* a mapping whose keys are the author's: columns */
	KEY_MAP, /* a mapping of `keys` */
	KEY_MAPS, /* a list of such mappings */
};

enum key_where { KEY_ANYWHERE, KEY_ONLY_CONFIG, KEY_ONLY_ARGUMENT };

struct key_row;
struct reading; /* config_rows.h */
struct node; /* config_tree.h */

/* One text for a key. */
struct key_value {
	const struct key_row *row;
	struct sink_span own; /* of KEY_OWN: the author's key */
	const char *text; /* not empty */
	const struct node *node; /* where it stands; NULL: on a command line */
};

struct key_row {
	const char *word; /* NULL ends rows */
	const char *wanted; /* what it can be; goes into "X is wanted" and "it cannot be Y: X" */
	const char *help; /* one line */
	enum key_shape shape;
	enum key_where where;
	bool is_required;
	/* Of texts: take one; of KEY_TEXTS and KEY_OWN one after the other. Never with a half-taken value after
	 * a refusal that matters: the whole is refused then.
	 *
	 * into     what the rows are about, such as a struct source, `at` bytes in
	 * returns  SINK_OK; SINK_ESYNTAX (with why); SINK_ENOMEM */
	int (*set)(void *into, const struct key_value *value, struct sink_why *why);
	size_t at; /* offset of the field, or of the structure that a KEY_MAP is about */
	const struct key_row *keys; /* of KEY_MAP and KEY_MAPS */
	/* Of KEY_MAPS: read one of them, which is a mapping. */
	void (*item)(struct reading *reading, const struct key_row *row, const struct node *map);
};

/* NULL if there is none of that word. */
const struct key_row *key_find(const struct key_row *rows, struct sink_span word);

/* The word that is meant by one that is none of them, or not there.
 *
 * where    KEY_ONLY_CONFIG or KEY_ONLY_ARGUMENT: which one may be proposed
 * returns  NULL: none is near
 */
const char *key_nearest(const struct key_row *rows, struct sink_span word, enum key_where where);

/* Refuse a value: "WORD cannot be 'TEXT': WANTED". Returns SINK_ESYNTAX. */
int key_refuse(const struct key_value *value, struct sink_why *why);

/* Is it a text that people read: UTF-8 without control characters, of at most SINK_STRING_MAX bytes?
 *
 * returns  SINK_OK; SINK_ESYNTAX */
int key_check_text(const struct key_value *value, struct sink_why *why);

/* The same of at most `most` bytes. */
int key_check_length(const struct key_value *value, size_t most, struct sink_why *why);

/* For rows: a copy of the text in a char *, which the owner frees; printable only. */
int key_set_string(void *into, const struct key_value *value, struct sink_why *why);

/* For rows: a share such as 20% in a double. */
int key_set_percent(void *into, const struct key_value *value, struct sink_why *why);

/* The values of wanted= that several rows share. */
#define KEY_WANTS_TEXT "a text"
#define KEY_WANTS_SHARE "a share such as 20%"
#define KEY_WANTS_DURATION "a duration such as 30d, 12h, 90m, 45s or 2w"

#endif
