/* fetch_run.c - the work of the process that meets the network: a URL, a file, or an interface that answers
 * in pages, into one body. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fetch_http.h"
#include "sinkhole/grow.h"
#include "text.h"

#define STALL_URL 30 /* seconds */
#define STALL_PAGES 120 /* such a server looks things up before its first byte */
#define PAGE_BYTES_MAX ((size_t)64 << 20)
#define PAGES_MAX 100000
#define PAGE_ITEMS 1000

#define TAXII_ACCEPT "application/taxii+json;version=2.1"

struct run {
	const struct fetch_request *request;
	struct fetch_reply *reply;
	struct http *http; /* NULL for files */
	char *authorization; /* NULL: none */
	int body;
	uint64_t written;
	uint8_t *page; /* what came of it so far */
	size_t page_len, page_room;
};

static bool __attribute__((format(printf, 2, 3))) fail(struct run *run, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(run->reply->error, sizeof run->reply->error, format, list);
	va_end(list);
	return false;
}

/* --- the body -------------------------------------------------------------------------------------- */

static bool write_body(void *arg, struct sink_span bytes)
{
	struct run *run = arg;

	if (bytes.len > run->request->bytes - run->written)
		return fail(run, "larger than %llu bytes", (unsigned long long)run->request->bytes);
	run->written += bytes.len;
	while (bytes.len > 0) {
		ssize_t n = write(run->body, bytes.at, bytes.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(run, "cannot write: %s", strerror(errno));
		bytes = text_after(bytes, (size_t)n);
	}
	return true;
}

static bool write_text(struct run *run, const char *text)
{
	return write_body(run, sink_span_text(text));
}

static int write_json(const char *bytes, size_t len, void *arg)
{
	return write_body(arg, sink_span(bytes, len)) ? 0 : -1;
}

/* --- file:// --------------------------------------------------------------------------------------- */

/* What changes when the file does. */
static void file_tag(const struct stat *st, char out[VALIDATOR_MAX])
{
	snprintf(out, VALIDATOR_MAX, "file-%llx-%llx-%llx-%llx.%lx", (unsigned long long)st->st_dev,
		(unsigned long long)st->st_ino, (unsigned long long)st->st_size,
		(unsigned long long)st->st_mtim.tv_sec, (unsigned long)st->st_mtim.tv_nsec);
}

static bool copy_file(struct run *run, int from)
{
	static uint8_t piece[1 << 16];

	for (;;) {
		ssize_t n = read(from, piece, sizeof piece);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(run, "%s", strerror(errno));
		if (n == 0)
			return true;
		if (!write_body(run, sink_span(piece, (size_t)n)))
			return false;
	}
}

static bool take_file(struct run *run, int from)
{
	char after[VALIDATOR_MAX];
	struct stat st;

	if (fstat(from, &st) != 0)
		return fail(run, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(run, "not a regular file");
	file_tag(&st, run->reply->etag);
	if (strcmp(run->reply->etag, run->request->etag) == 0) {
		run->reply->outcome = OUTCOME_UNCHANGED;
		return true;
	}
	if (!copy_file(run, from))
		return false;
	if (fstat(from, &st) != 0)
		return fail(run, "%s", strerror(errno));
	file_tag(&st, after);
	return strcmp(after, run->reply->etag) == 0 || fail(run, "it changed while it was read");
}

/* returns  a byte; -1: not "%XX", or NUL */
static int take_escape(const char *at)
{
	char digits[3] = { at[1], at[1] ? at[2] : '\0', 0 };
	long byte = strspn(digits, "0123456789abcdefABCDEF") == 2 ? strtol(digits, NULL, 16) : 0;

	return byte > 0 ? (int)byte : -1;
}

/* "file:///path" or "file://localhost/path", percent-decoded.
 *
 * out      room for all of the URL
 * returns  NULL; what is wrong
 */
static const char *file_path(const char *url, char *out)
{
	const char *at = url + strlen("file://");

	if (strncmp(at, "localhost/", 10) == 0)
		at += 9;
	if (*at != '/')
		return "a file is written file:///PATH";
	for (; *at; at++) {
		int byte = *at == '%' ? take_escape(at) : *at;

		if (byte == -1 && *at == '%')
			return "a bad % in the path";
		at += *at == '%' ? 2 : 0;
		*out++ = (char)byte;
	}
	*out = 0;
	return NULL;
}

static bool run_file(struct run *run)
{
	char *path = malloc(strlen(run->request->url) + 1);
	const char *wrong = path ? file_path(run->request->url, path) : "no memory";
	bool good;
	int fd;

	if (wrong) {
		free(path);
		return fail(run, "%s", wrong);
	}
	/* a FIFO does not make us wait */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	free(path);
	if (fd < 0)
		return fail(run, "%s", strerror(errno));
	good = take_file(run, fd);
	close(fd);
	return good;
}

/* --- https:// -------------------------------------------------------------------------------------- */

static bool run_url(struct run *run)
{
	const struct http_request ask = {
		.url = run->request->url,
		.authorization = run->authorization,
		.etag = run->request->etag,
		.modified = run->request->modified,
		.stall = STALL_URL,
		.body = write_body,
		.arg = run,
	};
	struct http_answer answer;

	if (!http_ask(run->http, &ask, &answer))
		return false;
	memcpy(run->reply->etag, answer.etag, sizeof answer.etag);
	memcpy(run->reply->modified, answer.modified, sizeof answer.modified);
	if (answer.not_modified)
		run->reply->outcome = OUTCOME_UNCHANGED;
	return true;
}

/* --- pages ----------------------------------------------------------------------------------------- */

static bool keep_page(void *arg, struct sink_span bytes)
{
	struct run *run = arg;
	size_t room = run->page_room ? run->page_room : (size_t)1 << 16;
	uint8_t *page;

	if (bytes.len > PAGE_BYTES_MAX - run->page_len)
		return fail(run, "a page is larger than %zu bytes", PAGE_BYTES_MAX);
	while (room < run->page_len + bytes.len)
		room *= 2;
	if (room != run->page_room) {
		page = realloc(run->page, room);
		if (!page)
			return fail(run, "no memory");
		run->page = page;
		run->page_room = room;
	}
	memcpy(run->page + run->page_len, bytes.at, bytes.len);
	run->page_len += bytes.len;
	return true;
}

/* returns  a page; NULL: failed */
static json_t *ask_page(struct run *run, const char *url, const char *post, const char *accept,
	struct http_answer *answer)
{
	const struct http_request ask = {
		.url = url,
		.post = post,
		.accept = accept,
		.authorization = run->authorization,
		.stall = STALL_PAGES,
		.body = keep_page,
		.arg = run,
	};
	json_error_t error;
	json_t *page;

	run->page_len = 0;
	if (!http_ask(run->http, &ask, answer))
		return NULL;
	page = json_loadb((const char *)run->page, run->page_len, JSON_ALLOW_NUL, &error);
	if (!page)
		fail(run, "no JSON: line %d, column %d: %s", error.line, error.column, error.text);
	return page;
}

struct list {
	struct run *run;
	bool has_items;
};

static bool write_items(struct list *list, json_t *items)
{
	json_t *item;
	size_t i;

	json_array_foreach(items, i, item)
	{
		if (!write_text(list->run, list->has_items ? ",\n" : "\n"))
			return false;
		list->has_items = true;
		if (json_dump_callback(item, write_json, list->run, JSON_COMPACT | JSON_ENCODE_ANY))
			return list->run->reply->error[0] || fail(list->run, "no memory");
	}
	return true;
}

/* TAXII 2.1, envelopes: `more` says that there is another page, `next` names it. A server without
 * `next` goes on from the time of the last object, which a header tells. */
struct taxii {
	struct list list;
	char query[1100]; /* how to ask for the next page: "next=..." */
	bool more;
};

static bool go_on(struct taxii *t, const char *key, const char *value)
{
	struct run *run = t->list.run;
	char query[sizeof t->query];

	if (snprintf(query, sizeof query, "%s=%s", key, value) >= (int)sizeof query)
		return fail(run, "the name of the next page is too long");
	if (strcmp(query, t->query) == 0)
		return fail(run, "the same page again and again");
	memcpy(t->query, query, sizeof query);
	return true;
}

static bool take_envelope(struct taxii *t, json_t *page, const struct http_answer *answer)
{
	struct run *run = t->list.run;
	json_t *objects = json_object_get(page, "objects");
	const char *next = json_string_value(json_object_get(page, "next"));

	if (!json_is_object(page) || (objects && !json_is_array(objects)))
		return fail(run, "no TAXII 2.1 envelope");
	if (!write_items(&t->list, objects))
		return false;
	t->more = json_is_true(json_object_get(page, "more"));
	if (!t->more)
		return true;
	if (next && *next)
		return go_on(t, "next", next);
	if (answer->added_last[0])
		return go_on(t, "added_after", answer->added_last);
	return fail(run, "more pages are promised, and not how to get them");
}

static bool take_taxii_page(struct taxii *t)
{
	struct run *run = t->list.run;
	const char *query[] = { "limit=1000", t->query[0] ? t->query : NULL, NULL };
	char *url = http_url(run->request->url, "/objects/", query);
	struct http_answer answer;
	json_t *page;
	bool good;

	if (!url)
		return fail(run, "not a URL");
	page = ask_page(run, url, NULL, TAXII_ACCEPT, &answer);
	free(url);
	good = page && take_envelope(t, page, &answer);
	json_decref(page);
	return good;
}

/* A STIX bundle wants an id, and the same objects should give the same bytes: it is a constant. */
static bool run_taxii(struct run *run)
{
	struct taxii t = { .list.run = run, .more = true };

	if (!write_text(run,
		    "{\"type\":\"bundle\","
		    "\"id\":\"bundle--73696e6b-686f-4c65-8000-000000000001\",\"objects\":["))
		return false;
	for (int pages = 0; t.more; pages++) {
		if (pages == PAGES_MAX)
			return fail(run, "more than %d pages", PAGES_MAX);
		if (!take_taxii_page(&t))
			return false;
	}
	return write_text(run, "\n]}\n");
}

/* MISP's REST interface counts pages from 1; the one behind the last is empty. */
struct misp {
	struct list list;
	char first[64]; /* the uuid of the first attribute of the page before */
	bool more;
};

static bool take_attributes(struct misp *m, json_t *page)
{
	struct run *run = m->list.run;
	json_t *response = json_object_get(page, "response");
	json_t *items = json_is_array(response) ? response : json_object_get(response, "Attribute");
	const char *uuid = json_string_value(json_object_get(json_array_get(items, 0), "uuid"));

	if (!json_is_array(items))
		return fail(run, "no answer of MISP's attributes/restSearch");
	m->more = json_array_size(items) > 0;
	/* a server that knows no pages */
	if (uuid && strcmp(uuid, m->first) == 0)
		return fail(run, "the same page again and again");
	snprintf(m->first, sizeof m->first, "%s", uuid ? uuid : "");
	return write_items(&m->list, items);
}

static bool take_misp_page(struct misp *m, const char *url, int number)
{
	static const char format[] =
		"{\"returnFormat\":\"json\",\"to_ids\":1,\"published\":1,\"deleted\":0,"
		"\"includeEventTags\":1,\"includeContext\":1,\"page\":%d,\"limit\":%d,"
		"\"type\":{\"OR\":[\"domain\",\"hostname\",\"domain|ip\",\"hostname|port\","
		"\"ip-src\",\"ip-dst\",\"ip-src|port\",\"ip-dst|port\",\"url\"]}}";
	char post[sizeof format + 32];
	struct http_answer answer;
	json_t *page;
	bool good;

	snprintf(post, sizeof post, format, number, PAGE_ITEMS);
	page = ask_page(m->list.run, url, post, "application/json", &answer);
	good = page && take_attributes(m, page);
	json_decref(page);
	return good;
}

static bool run_misp(struct run *run)
{
	struct misp m = { .list.run = run, .more = true };
	char *url = http_url(run->request->url, "/attributes/restSearch",
		(const char *const[]){ NULL });
	bool good = url || fail(run, "not a URL");

	good = good && write_text(run, "{\"response\":{\"Attribute\":[");
	for (int page = 1; good && m.more; page++)
		good = page <= PAGES_MAX ? take_misp_page(&m, url, page)
					 : fail(run, "more than %d pages", PAGES_MAX);
	free(url);
	return good && write_text(run, "\n]}}\n");
}

/* --- which ----------------------------------------------------------------------------------------- */

static bool run_http(struct run *run)
{
	static bool (*const runs[])(struct run *) = {
		[FETCH_URL] = run_url,
		[FETCH_TAXII] = run_taxii,
		[FETCH_MISP] = run_misp,
	};
	const struct fetch_request *request = run->request;
	bool in_url = strstr(request->url, "{token}") != NULL;
	char *filled =
		in_url && request->token ? http_fill_token(request->url, request->token) : NULL;
	struct fetch_request asked = *request;
	bool good = false;

	if (in_url)
		asked.url = filled;
	else if (request->token)
		run->authorization =
			http_authorization(request->token, request->kind == FETCH_MISP ? "" : NULL);
	run->request = &asked;
	run->http = http_begin(request->authorities, request->seconds, run->reply->error,
		sizeof run->reply->error);
	if (in_url && !request->token)
		fail(run, "{token} stands in the URL, and there is no token-file");
	else if (!run->http || (in_url && !filled) ||
		(request->token && !in_url && !run->authorization))
		fail(run, "no memory");
	else
		good = runs[request->kind](run);
	http_end(run->http);
	free(run->authorization);
	free(run->page);
	free(filled);
	run->request = request;
	return good;
}

void worker_run(const struct fetch_request *request, int body, struct fetch_reply *out)
{
	struct run run = { .request = request, .reply = out, .body = body };
	bool good;

	memset(out, 0, sizeof *out);
	out->outcome = OUTCOME_DONE;
	if (request->kind == FETCH_URL && strncmp(request->url, "file://", 7) == 0)
		good = run_file(&run);
	else
		good = run_http(&run);
	if (!good)
		out->outcome = OUTCOME_FAILED;
}
