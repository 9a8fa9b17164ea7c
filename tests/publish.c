/* publish.c - a generation that holds each kind of entry once, for the tests of commands: prefixes, name
 * servers, hints, query types, exceptions, data. Usage: publish DIR
 *
 * It is what no command could make when these tests were written, and is made by the library alone. */
#include <stdio.h>
#include <stdlib.h>

#include "sinkhole/store.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define BYTES(text) \
	{ \
		.at = (const uint8_t *)(text), .len = sizeof(text) - 1 \
	}

struct row {
	enum sink_trigger trigger;
	const char *subject;
	enum sink_scope scope;
	struct sink_record record;
};

#define RECORD(what) .confidence = SINK_CONFIDENCE_NONE, .text = { BYTES(what) }

static const struct row rows[] = {
	{ SINK_TRIGGER_QNAME, "plain.example", SINK_SCOPE_SUBTREE, { RECORD("plain") } },
	{ SINK_TRIGGER_QNAME, "except.example", SINK_SCOPE_SUBTREE,
		{ RECORD("except"),
			.except = BYTES("\0\x14"
					"example\0except\0good\0") } },
	{ SINK_TRIGGER_QNAME, "types.example", SINK_SCOPE_EXACT,
		{ RECORD("types"), .types = BYTES("\0\0\x1c\0\x41") } },
	{ SINK_TRIGGER_QNAME, "not.types.example", SINK_SCOPE_EXACT,
		{ RECORD("not"), .types = BYTES("\1\0\1\xff\xfe") } },
	{ SINK_TRIGGER_QNAME, "tcp.example", SINK_SCOPE_EXACT,
		{ RECORD("tcp"), .hint = SINK_HINT_TRUNCATE } },
	{ SINK_TRIGGER_QNAME, "data.example", SINK_SCOPE_EXACT,
		{ RECORD("data"), .hint = SINK_HINT_DATA,
			.data = BYTES("\0\1\0\0\0\x3c\0\4\xc0\0\2\1" /* A */
				      "\0\1\0\0\0\x3c\0\5\xc0\0\2\1\1" /* none */
				      "\0\5\0\0\1\x2c\0\x0d\6garden\4test\0" /* CNAME */
				      "\0\x10\0\0\0\0\0\x0a\3a\"b\5\x1b[2J\\" /* TXT */
				      "\0\x1c\0\0\0\0\0\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
				      "\xff\0\0\0\0\0\0\1\xff") } },
	{ SINK_TRIGGER_ANSWER, "192.0.2.0/24", SINK_SCOPE_EXACT, { RECORD("net") } },
	{ SINK_TRIGGER_ANSWER, "192.0.2.1", SINK_SCOPE_EXACT,
		{ RECORD("host"), .hint = SINK_HINT_NXDOMAIN } },
	{ SINK_TRIGGER_ANSWER, "192.0.2.1", SINK_SCOPE_EXACT,
		{ RECORD("over"), .valid_until = 1 } },
	{ SINK_TRIGGER_CLIENT, "192.0.2.0/25", SINK_SCOPE_EXACT,
		{ RECORD("client"), .hint = SINK_HINT_DROP } },
	{ SINK_TRIGGER_NSADDRESS, "2001:db8::/32", SINK_SCOPE_EXACT, { RECORD("server") } },
	{ SINK_TRIGGER_NSNAME, "evil-dns.example", SINK_SCOPE_SUBTREE, { RECORD("server") } },
};

static int add(struct sink_writer *w, const struct row *row)
{
	struct sink_span text = sink_span_text(row->subject);
	struct sink_prefix prefix;
	struct sink_name name;
	uint32_t id;
	int err = sink_writer_record(w, &row->record, &id);

	if (err)
		return err;
	if (sink_trigger_is_prefix(row->trigger)) {
		err = sink_prefix_from_text(text, &prefix);
		return err ? err : sink_writer_add_prefix(w, row->trigger, &prefix, id);
	}
	err = sink_name_from_text(text, &name);
	return err ? err : sink_writer_add_name(w, row->trigger, &name, row->scope, id);
}

static int publish(const char *dir, struct sink_why *why)
{
	char temp[4096];
	struct sink_writer_options options = { .path = temp };
	struct sink_publish what = {
		.temp = temp, .origin = "test", .tool = "publish", .wait = true
	};
	struct sink_manifest manifest;
	struct sink_writer *w;
	int err = sink_store_temp(dir, why, temp, sizeof temp);

	if (!err)
		err = sink_writer_begin(&options, why, &w);
	if (err)
		return err;
	for (size_t i = 0; i < LENGTH(rows) && !err; i++)
		err = add(w, &rows[i]);
	if (err) {
		sink_writer_abort(w);
		return sink_why(why, err, "%s", sink_strerror(err));
	}
	err = sink_writer_commit(w, why, &what.summary);
	return err ? err : sink_store_publish(dir, &what, why, &manifest);
}

int main(int argc, char **argv)
{
	struct sink_why why = { "" };

	if (argc != 2 || publish(argv[1], &why)) {
		fprintf(stderr, "publish: %s\n", argc != 2 ? "one DIR" : why.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
