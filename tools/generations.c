/* generations.c - the history: what was published when, and what is kept. */
#include "cmd.h"
#include "data.h"
#include "json.h"
#include "paused.h"
#include "say.h"
#include "signedby.h"

struct history {
	uint64_t published; /* serial; 0: none */
	json_t *list; /* NULL: a table is printed */
	size_t count, damaged, others; /* others: of another version */
};

static void put_row(const struct sink_manifest *m, bool is_published)
{
	printf("%c %6llu  %s  %12s names  ", is_published ? '*' : ' ',
		(unsigned long long)m->serial, moment(m->time).text, number(m->names).text);
	put_text(stdout, sink_span_text(m->origin), SINK_NOTE_MAX);
	if (m->reason[0]) {
		fputs(": ", stdout);
		put_text(stdout, sink_span_text(m->reason), SINK_NOTE_MAX);
	}
	if (m->read != 0)
		printf("  (read %s s before)", number((uint64_t)read_to_published(m)).text);
	if (m->paused_until != 0)
		printf("  (paused %s)", paused_text(m).text);
	if (m->expires != 0)
		printf("  (expires %s)", moment(m->expires).text);
	if (m->signatures_count > 0)
		printf("  (%s)", signedby_text(m).text);
	fputc('\n', stdout);
}

static int show(void *arg, const struct sink_manifest *manifest)
{
	struct history *h = arg;
	bool is_published = manifest->serial == h->published;

	h->count++;
	if (h->list)
		json_array_append_new(h->list, json_manifest(manifest, is_published));
	else
		put_row(manifest, is_published);
	return SINK_OK;
}

/* What an earlier version of sinkhole has left is no damage, and goes by itself. */
static void show_unread(void *arg, int err, const char *text)
{
	struct history *h = arg;

	h->others += err == SINK_EVERSION;
	h->damaged += err != SINK_EVERSION;
	say("%s", text);
}

static enum status list(const char *dir, bool json)
{
	struct history h = { .list = json ? json_array() : NULL };
	struct sink_manifest published;
	struct sink_why why = { .text = "" };
	int err = sink_store_manifest(dir, 0, &why, &published);

	if (err == SINK_OK)
		h.published = published.serial;
	else if (err == SINK_ECORRUPT || err == SINK_EVERSION)
		show_unread(&h, SINK_ECORRUPT, why.text); /* in force it is no good, either way */
	if (err != SINK_EIO && err != SINK_ENOMEM) /* the system's refusal would come again */
		err = sink_store_each(dir, show, show_unread, &h, &why);
	if (json)
		json_print(stdout, h.list, false);
	if (err && err != SINK_ENOENT) {
		say("%s", why.text);
		return status_of(err);
	}
	if (h.damaged > 0)
		return STATUS_DATA;
	if (h.count == 0 && h.others == 0)
		say("'%s': nothing has been published yet", dir);
	return h.count > 0 ? STATUS_DONE : STATUS_DATA;
}

static enum status generations_run(const struct command *self, int argc, char **argv)
{
	struct view choice;
	enum status status;

	if (!options_read_view(self, argc, argv, &choice, &status))
		return status;
	return list(data_directory(choice.dir), choice.json);
}

const struct command cmd_generations = {
	.word = "generations",
	.operands = "",
	.summary = "list the generations that are kept; * marks the published one",
	.options =
		(const struct option_row[]){
			{ 'd', "dir", "DIR", "the data directory" },
			{ 256, "json", NULL, "as a JSON array" },
			{ 0 },
		},
	.run = generations_run,
};
