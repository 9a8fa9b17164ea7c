/* config_groups.c - groups of clients: their prefixes, from the configuration and from files that it names. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_parts.h"
#include "text.h"

#define COMPLAINTS_MAX 10 /* about one file of prefixes */
#define FILE_BUFFER 65536 /* there may be many files: one call each is enough for most */

/* --- one prefix --------------------------------------------------------------------------------------- */

static int too_many(struct sink_why *why)
{
	return sink_why(why, SINK_ESYNTAX, "groups: more than %d prefixes of clients",
		SINK_PREFIXES_MAX);
}

/* Its place is filled in; the rest is read from text. */
static int add_prefix(struct reading *reading, struct sink_span text, const char *word,
	const char *wanted, struct client_prefix *client, struct sink_why *why)
{
	struct policy_reading *policy = reading->policy;
	int len = text.len < 100 ? (int)text.len : 100;
	int err = sink_prefix_from_text(text, &client->prefix);

	if (err == SINK_EINVAL)
		return sink_why(why, SINK_ESYNTAX,
			"%s: '%.*s' has bits set behind its length: is the address meant, or the "
			"network?",
			word, len, (const char *)text.at);
	if (err)
		return sink_why(why, SINK_ESYNTAX, "%s cannot be '%.*s': %s", word, len,
			(const char *)text.at, wanted);
	if (policy->clients.count == SINK_PREFIXES_MAX)
		return too_many(why);
	client->prefix = sink_prefix_unmap(&client->prefix); /* as clients come */
	client->group = (uint16_t)policy->group;
	return growing_add(&policy->clients, client, sizeof *client);
}

static int set_client(void *into, const struct key_value *value, struct sink_why *why)
{
	struct client_prefix client = { .line = (uint32_t)value->node->line,
		.column = (uint32_t)value->node->column };

	return add_prefix(into, sink_span_text(value->text), value->row->word, value->row->wanted,
		&client, why);
}

/* --- a file of them ------------------------------------------------------------------------------------- */

static FILE *open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	FILE *file = NULL;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	else if ((file = fdopen(fd, "r")) != NULL)
		setvbuf(file, NULL, _IOFBF, FILE_BUFFER);
	if (!file) {
		int saved = errno;

		close(fd);
		errno = saved;
	}
	return file;
}

/* One line: a prefix, a comment, or nothing. */
static int take_line(struct reading *reading, struct sink_span line, struct client_prefix *place,
	struct sink_why *why)
{
	const uint8_t *begin = line.at;

	while (line.len > 0 && (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == '\r'))
		line.len--;
	line.len = text_find(line, '#');
	line = text_trim(line);
	if (line.len == 0)
		return SINK_OK;
	place->column = (uint32_t)(line.at - begin) + 1;
	return add_prefix(reading, line, "a client", "a prefix such as 192.0.2.0/24 is wanted",
		place, why);
}

/* Complains about at most some of its lines, so that those of others are told as well. */
static int take_lines(struct reading *reading, FILE *in, const char *path,
	const struct key_value *value, struct client_prefix *place)
{
	size_t room = 0, wrong = 0;
	char *line = NULL;
	ssize_t len;
	int err = SINK_OK;

	while (err != SINK_ENOMEM && wrong < COMPLAINTS_MAX &&
		(len = getline(&line, &room, in)) >= 0) {
		struct sink_why why = { .text = "" };

		place->line++;
		err = take_line(reading, sink_span(line, (size_t)len), place, &why);
		if (err && err != SINK_ENOMEM) {
			problems_add_in(&reading->problems, value->node->line, value->node->column,
				path, place->line, place->column, why.text);
			/* of those that follow every one is too much */
			wrong += reading->policy->clients.count == SINK_PREFIXES_MAX
				? COMPLAINTS_MAX
				: 1;
		}
	}
	if (err != SINK_ENOMEM && wrong >= COMPLAINTS_MAX)
		problems_add_in(&reading->problems, value->node->line, value->node->column, path,
			place->line, 1, "what follows has not been read");
	free(line);
	return err == SINK_ENOMEM ? err : SINK_OK;
}

static int add_file(struct policy_reading *policy, char *path, const struct key_value *value)
{
	struct client_file file = { .path = path, .node = value->node };

	return growing_add(&policy->files, &file, sizeof file);
}

static int set_clients_file(void *into, const struct key_value *value, struct sink_why *why)
{
	struct reading *reading = into;
	struct policy_reading *policy = reading->policy;
	struct client_prefix place = { 0 };
	char *path;
	FILE *in;
	int err = key_check_text(value, why);

	if (err)
		return err;
	if (policy->files.count == FILES_MAX)
		return sink_why(why, SINK_ESYNTAX, "groups: more than %d files of clients",
			FILES_MAX);
	path = strdup(value->text);
	path = path ? path_join(reading, path) : NULL;
	if (!path || add_file(policy, path, value)) {
		free(path);
		return SINK_ENOMEM;
	}
	policy->is_partial |= !reading->looks;
	if (!reading->looks)
		return SINK_OK;
	place.file = (uint16_t)policy->files.count;
	in = open_file(path);
	if (!in)
		return sink_why(why, SINK_ESYNTAX, "%s: '%.200s': %s", value->row->word,
			value->text, strerror(errno));
	err = take_lines(reading, in, path, value, &place);
	if (!err && ferror(in))
		err = sink_why(why, SINK_ESYNTAX, "%s: '%.200s': %s", value->row->word, value->text,
			strerror(errno));
	fclose(in);
	return err;
}

/* --- one group ------------------------------------------------------------------------------------------ */

static int set_name(void *into, const struct key_value *value, struct sink_why *why)
{
	(void)into;
	if (strcmp(value->text, "others") == 0)
		return sink_why(why, SINK_ESYNTAX,
			"name: 'others' are the clients of no group, and no group can be called "
			"that");
	return key_check_text(value, why);
}

const struct key_row group_keys[] = {
	{ "name", KEY_WANTS_TEXT, "rules call it that", KEY_TEXT, .is_required = true,
		.set = set_name },
	{ "clients", "a list of prefixes such as 192.0.2.0/24", "who belongs to it", KEY_TEXTS,
		.set = set_client },
	{ "clients-file", "a list of files", "with a prefix a line", KEY_TEXTS,
		.set = set_clients_file },
	{ 0 },
};

/* Its number, by its name; the number of groups for one without a name, or with that of another. */
static size_t find_group(const struct reading *reading, const struct node *map)
{
	const struct node *name = node_find(map, "name");
	size_t i = 0;

	while (i < reading->groups_count && reading->groups[i] != name)
		i++;
	return i;
}

void groups_item(struct reading *reading, const struct key_row *row, const struct node *map)
{
	struct policy_reading *policy = reading->policy;
	size_t before = policy->clients.count;
	unsigned long errors = reading->problems.errors;

	policy->group = find_group(reading, map);
	rows_read(reading, map, row->keys, reading);
	if (map->is_cut || reading->problems.errors > errors)
		return;
	if (!node_find(map, "clients") && !node_find(map, "clients-file"))
		node_wrong(reading, map, "who belongs to it? clients or clients-file is missing");
	else if (policy->clients.count == before && !policy->is_partial)
		node_wrong(reading, map, "clients-file: there is no prefix in it");
}

/* --- all of them ---------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct client_prefix *x = a, *y = b;
	int order = sink_prefix_compare(&x->prefix, &y->prefix);

	if (order)
		return order;
	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

static bool are_in_order(const struct client_prefix *at, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (compare(&at[i - 1], &at[i]) > 0)
			return false;
	return true;
}

static const char *file_of(const struct reading *reading, const struct client_prefix *client)
{
	const struct client_file *files = reading->policy->files.at;

	return client->file ? files[client->file - 1].path : NULL;
}

static void complain(struct reading *reading, const struct client_prefix *client, const char *text)
{
	const struct client_file *files = reading->policy->files.at;

	if (client->file) {
		const struct client_file *file = &files[client->file - 1];

		problems_add_in(&reading->problems, file->node->line, file->node->column,
			file->path, client->line, client->column, text);
		return;
	}
	problems_add(&reading->problems, client->line, client->column, true, "%s", text);
}

/* Two groups that have the same prefix: to which do its clients belong? */
static void refuse_equal(struct reading *reading, const struct client_prefix *first,
	const struct client_prefix *second)
{
	const char *file = file_of(reading, first);
	char prefix[SINK_PREFIX_TEXT_MAX], text[SINK_WHY_MAX];

	sink_prefix_to_text(&first->prefix, prefix);
	snprintf(text, sizeof text,
		"%s is one of '%s', and one of '%s' in line %u%s%.200s: its clients can belong to "
		"one "
		"group only",
		prefix, shown(node_text(reading->groups[second->group])).text,
		shown(node_text(reading->groups[first->group])).text, first->line,
		file ? " of " : "", file ? file : "");
	complain(reading, second, text);
}

/* Sorted, each once. */
static void sort_clients(struct reading *reading)
{
	struct growing *list = &reading->policy->clients;
	struct client_prefix *at = list->at;
	size_t last = 0;

	if (list->count == 0)
		return;
	if (!are_in_order(at, list->count)) /* as lists mostly are */
		qsort(at, list->count, sizeof *at, compare);
	for (size_t i = 1; i < list->count; i++) {
		if (sink_prefix_compare(&at[i].prefix, &at[last].prefix) != 0)
			at[++last] = at[i];
		else if (at[i].group != at[last].group && at[i].group < reading->groups_count &&
			at[last].group < reading->groups_count)
			refuse_equal(reading, &at[last], &at[i]);
	}
	list->count = last + 1;
}

/* One more than the last address of a prefix. False: there is none, it ends the family. */
static bool end_of(const struct sink_prefix *prefix, uint8_t out[16])
{
	int bit = prefix->bits;

	memcpy(out, prefix->bytes, 16);
	while (bit-- > 0) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		out[bit / 8] ^= mask;
		if (out[bit / 8] & mask)
			return true; /* no carry */
	}
	return false;
}

/* Do the prefixes of a group leave out no address of a family? */
static bool covers_all(const struct sink_group *group, uint8_t family)
{
	uint8_t next[16] = { 0 }, end[16]; /* all before `next` is covered */

	for (size_t i = 0; i < group->count; i++) {
		const struct sink_prefix *prefix = &group->prefixes[i];

		if (prefix->family != family)
			continue;
		if (memcmp(prefix->bytes, next, sizeof next) > 0)
			return false;
		if (!end_of(prefix, end))
			return true;
		if (memcmp(end, next, sizeof next) > 0)
			memcpy(next, end, sizeof next);
	}
	return false;
}

static void refuse_all(struct reading *reading, const struct node *name,
	const struct sink_group *group)
{
	for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2))
		if (covers_all(group, family))
			node_wrong(reading, name,
				"the group '%s' has every address of IPv%d: a rule without 'group' "
				"is for everybody",
				shown(node_text(name)).text, family);
}

/* Give each group its prefixes, one group behind the other: they are sorted, and so they stay. */
static int share_out(struct reading *reading, struct sink_group *groups)
{
	const struct growing *list = &reading->policy->clients;
	const struct client_prefix *at = list->at;
	struct sink_prefix *prefixes[SINK_GROUPS_MAX], *next;
	size_t count = reading->groups_count;

	next = policy_keep(&reading->config->policy, NULL, list->count * sizeof *next);
	if (!next)
		return SINK_ENOMEM;
	touch(next, 0, list->count * sizeof *next);
	for (size_t i = 0; i < list->count; i++)
		if (at[i].group < count)
			groups[at[i].group].count++;
	for (size_t i = 0; i < count; i++) {
		groups[i].prefixes = prefixes[i] = next;
		next += groups[i].count;
	}
	for (size_t i = 0; i < list->count; i++)
		if (at[i].group < count)
			*prefixes[at[i].group]++ = at[i].prefix;
	return SINK_OK;
}

int groups_finish(struct reading *reading)
{
	struct policy *policy = &reading->config->policy;
	size_t count = reading->groups_count;
	struct sink_group *groups;
	int err;

	if (count > SINK_GROUPS_MAX) {
		node_wrong(reading, reading->groups[SINK_GROUPS_MAX], "groups: more than %d",
			SINK_GROUPS_MAX);
		return SINK_OK;
	}
	sort_clients(reading);
	groups = policy_keep(policy, NULL, count * sizeof *groups);
	if (!groups)
		return SINK_ENOMEM;
	err = share_out(reading, groups);
	for (size_t i = 0; i < count && !err; i++) {
		refuse_all(reading, reading->groups[i], &groups[i]);
		groups[i].name = node_text(reading->groups[i]);
		err = policy_keep_span(policy, &groups[i].name);
	}
	policy->made.groups = groups;
	policy->made.groups_count = count;
	return err;
}
