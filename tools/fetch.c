/* fetch.c - which source is due, whether what came is a copy to keep, and what is said about it. */
#include "fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "feedurl.h"
#include "fetch_worker.h"
#include "say.h"
#include "text.h"

#define MINUTE 60LL /* seconds */
#define HOUR 3600LL
#define DAY 86400LL
#define TOKEN_MAX 4096 /* bytes of a token file */
#define USER_DEFAULT "_sinkhole-fetch"
#define USER_ANYWHERE "nobody"

struct fetcher {
	const struct config *config;
	struct fetch_user user;
	const char *authorities;
	int dir, lock;
};

static const char *const words[] = {
	[FETCH_FRESH] = "fresh",
	[FETCH_UNCHANGED] = "unchanged",
	[FETCH_NEW] = "new",
	[FETCH_KEPT] = "kept",
	[FETCH_MISSING] = "missing",
};
_Static_assert(sizeof words / sizeof words[0] == FETCH_RESULT_COUNT, "a result has no word");

const char *fetch_result_word(enum fetch_result result)
{
	return words[result];
}

struct sink_span fetch_name(const struct source *source)
{
	return source->attributes.record.text[SINK_FIELD_SOURCE];
}

/* --- beginning ------------------------------------------------------------------------------------- */

/* Only root can become somebody else, and must. */
static int find_user(const struct config *config, struct sink_why *why, struct fetch_user *out)
{
	const char *name = config->fetch_user;
	const struct passwd *user;

	*out = (struct fetch_user){ 0 };
	if (geteuid() != 0)
		return SINK_OK;
	user = getpwnam(name ? name : USER_DEFAULT);
	if (!user && !name)
		user = getpwnam(USER_ANYWHERE);
	if (!user)
		return sink_why(why, SINK_EIO, "there is no user '%.100s' to fetch as",
			name ? name : USER_ANYWHERE);
	*out = (struct fetch_user){ .change = true, .uid = user->pw_uid, .gid = user->pw_gid };
	return SINK_OK;
}

/* The variables by which curl(1) and OpenSSL are told of a private authority. */
static const char *find_authorities(void)
{
	const char *file = getenv("CURL_CA_BUNDLE");

	if (!file || !*file)
		file = getenv("SSL_CERT_FILE");
	return file && *file ? file : NULL;
}

int fetch_begin(const struct config *config, struct sink_why *why, struct fetcher **out)
{
	struct fetcher *fetcher = calloc(1, sizeof *fetcher);
	int err;

	if (!fetcher)
		return sink_why(why, SINK_ENOMEM, "no memory");
	fetcher->config = config;
	fetcher->authorities = find_authorities();
	err = find_user(config, why, &fetcher->user);
	if (!err)
		err = cache_open(cache_directory(config), why, &fetcher->dir, &fetcher->lock);
	if (err)
		free(fetcher);
	else
		*out = fetcher;
	return err;
}

void fetch_end(struct fetcher *fetcher)
{
	if (!fetcher)
		return;
	close(fetcher->lock);
	close(fetcher->dir);
	free(fetcher);
}

/* --- the token ------------------------------------------------------------------------------------- */

/* Its one line, which can stand in a header. */
static bool is_token(struct sink_span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < 0x20 || text.at[i] > 0x7e)
			return false;
	return text.len > 0;
}

/* Who else may read the file is the configuration's matter.
 *
 * returns  NULL; what is wrong
 */
static const char *take_token(int fd, char out[TOKEN_MAX + 1])
{
	struct stat st;
	struct sink_span text;
	ssize_t len;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return "not a regular file";
	len = read(fd, out, TOKEN_MAX + 1);
	if (len < 0)
		return strerror(errno);
	while (len > 0 && len <= TOKEN_MAX && (out[len - 1] == '\n' || out[len - 1] == '\r'))
		len--;
	text = text_trim(sink_span(out, (size_t)len));
	if (len > TOKEN_MAX || !is_token(text))
		return "not one line of printable ASCII";
	memmove(out, text.at, text.len);
	out[text.len] = 0;
	return NULL;
}

static const char *read_token(const char *path, char out[TOKEN_MAX + 1])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const char *wrong = fd < 0 ? strerror(errno) : take_token(fd, out);

	if (fd >= 0)
		close(fd);
	return wrong;
}

/* --- one source ------------------------------------------------------------------------------------ */

struct work {
	struct fetcher *fetcher;
	const struct source *source;
	struct fetch_report *report;
	struct copy copy; /* that was there before */
	char request[SINK_SHA256_TEXT]; /* what meta.request must say to be about the same */
	int64_t now;
	int body;
};

/* "2 h", for people. */
static void put_age(int64_t seconds, char *out, size_t size)
{
	const long long s = seconds;

	if (s < 0)
		snprintf(out, size, "from the future");
	else if (s < 2 * MINUTE)
		snprintf(out, size, "%lld s old", s);
	else if (s < 2 * HOUR)
		snprintf(out, size, "%lld min old", s / MINUTE);
	else if (s < 2 * DAY)
		snprintf(out, size, "%lld h old", s / HOUR);
	else
		snprintf(out, size, "%lld days old", s / DAY);
}

static void put_remedy(const struct work *w, char *out, size_t size)
{
	const struct copy *copy = &w->copy;
	char age[40];

	if (!copy->is_there) {
		snprintf(out, size, "there is no copy from before");
	} else if (!copy->is_known) {
		snprintf(out, size, "the copy from before stays");
	} else {
		put_age(w->now - copy->meta.fetched, age, sizeof age);
		snprintf(out, size, "the copy of %s stays (%s)", moment(copy->meta.fetched).text,
			age);
	}
}

/* The one line about a failure. */
static void failed(const struct work *w, const char *reason)
{
	struct sink_span name = fetch_name(w->source);
	char remedy[120];

	put_remedy(w, remedy, sizeof remedy);
	w->report->result = w->copy.is_there ? FETCH_KEPT : FETCH_MISSING;
	sink_why(&w->report->why, SINK_OK, "source '%.*s': %s: %.240s; %s",
		(int)(name.len < 60 ? name.len : 60), (const char *)name.at,
		feedurl_shown(w->source->url).text, reason, remedy);
}

/* What is asked for, and of whom. Whoever changes it in the configuration wants another copy. */
static bool identify(struct work *w)
{
	char *text;
	int n = asprintf(&text, "%d %s", (int)w->source->fetch, w->source->url);
	bool good;

	if (n < 0)
		return false;
	good = sink_sha256(sink_span(text, (size_t)n), w->request) == SINK_OK;
	free(text);
	return good;
}

static bool is_same_request(const struct work *w)
{
	return w->copy.is_known && strcmp(w->copy.meta.request, w->request) == 0;
}

/* A clock that was put back makes no copy fresh for ever. */
static bool is_fresh(const struct work *w)
{
	int64_t age = w->now - w->copy.meta.fetched;
	int64_t refresh = w->source->refresh > 0 ? w->source->refresh : FETCH_REFRESH_DEFAULT;

	return is_same_request(w) && age >= 0 && age < refresh;
}

static bool is_markup(struct sink_span text)
{
	static const char *const begins[] = { "<!doctype", "<html", "<head", "<body", "<?xml" };

	if (text_starts(text, "\xef\xbb\xbf"))
		text = text_after(text, 3);
	while (text.len > 0 && (text_is_space(text.at[0]) || strchr("\r\n", text.at[0])))
		text = text_after(text, 1);
	for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
		size_t len = strlen(begins[i]);

		if (text.len >= len && text_is_anycase(sink_span(text.at, len), begins[i]))
			return true;
	}
	return false;
}

/* returns  NULL; why it is no copy to keep */
static const char *objection(int body)
{
	char begin[1024];
	ssize_t n = pread(body, begin, sizeof begin, 0);

	if (n < 0)
		return strerror(errno);
	if (n == 0)
		return "empty";
	return is_markup(sink_span(begin, (size_t)n)) ? "an HTML page, not a list" : NULL;
}

static void told(const struct work *w, enum fetch_result result, const struct meta *meta)
{
	w->report->result = result;
	w->report->fetched = meta->fetched;
	w->report->bytes = meta->bytes;
	memcpy(w->report->sha256, meta->sha256, sizeof meta->sha256);
}

static void could_not_keep(const struct work *w)
{
	char reason[120];

	snprintf(reason, sizeof reason, "cannot keep it in the cache: %s", strerror(errno));
	failed(w, reason);
}

static void keep_known(const struct work *w, const struct meta *meta)
{
	if (cache_note(w->fetcher->dir, &w->copy, meta, fetch_name(w->source), w->source->url))
		could_not_keep(w);
	else
		told(w, FETCH_UNCHANGED, meta);
}

static void keep_new(const struct work *w, const struct meta *meta)
{
	if (cache_commit(w->fetcher->dir, &w->copy, w->body, meta, fetch_name(w->source),
		    w->source->url))
		could_not_keep(w);
	else
		told(w, FETCH_NEW, meta);
}

/* It went well, says the worker. */
static void judge_body(const struct work *w, const struct fetch_reply *reply)
{
	const char *wrong = objection(w->body);
	struct meta meta = { .fetched = w->now };

	if (wrong) {
		failed(w, wrong);
		return;
	}
	if (sink_sha256_file(w->body, &meta.bytes, meta.sha256)) {
		could_not_keep(w);
		return;
	}
	memcpy(meta.request, w->request, sizeof meta.request);
	memcpy(meta.etag, reply->etag, sizeof meta.etag);
	memcpy(meta.modified, reply->modified, sizeof meta.modified);
	if (strcmp(meta.sha256, w->copy.meta.sha256) == 0 &&
		cache_is_intact(w->fetcher->dir, &w->copy))
		keep_known(w, &meta);
	else
		keep_new(w, &meta);
}

static void judge(const struct work *w, bool conditional, const struct fetch_reply *reply)
{
	struct meta meta = w->copy.meta;

	switch ((enum fetch_outcome)reply->outcome) {
	case OUTCOME_DONE:
		judge_body(w, reply);
		break;
	case OUTCOME_UNCHANGED:
		meta.fetched = w->now;
		if (conditional)
			keep_known(w, &meta);
		else
			failed(w, "it is said to be unchanged, which was not asked");
		break;
	case OUTCOME_FAILED:
	case OUTCOME_COUNT:
		failed(w, reply->error);
		break;
	}
}

static void ask(struct work *w, const char *token)
{
	const struct source *source = w->source;
	bool conditional = source->fetch == FETCH_URL && is_same_request(w) &&
		cache_is_intact(w->fetcher->dir, &w->copy);
	struct fetch_request request = {
		.kind = source->fetch,
		.url = source->url,
		.token = token,
		.etag = conditional ? w->copy.meta.etag : "",
		.modified = conditional ? w->copy.meta.modified : "",
		.authorities = w->fetcher->authorities,
		.bytes = source->limits.bytes ? source->limits.bytes : FETCH_BYTES_DEFAULT,
		.seconds = source->limits.seconds ? source->limits.seconds : FETCH_SECONDS_DEFAULT,
		.user = w->fetcher->user,
	};
	struct fetch_reply reply;

	worker_ask(&request, w->body, &reply);
	judge(w, conditional, &reply);
}

static void ask_with_token(struct work *w)
{
	char token[TOKEN_MAX + 1], reason[200];
	const char *wrong;

	if (!w->source->token_file) {
		ask(w, NULL);
		return;
	}
	wrong = read_token(w->source->token_file, token);
	if (wrong) {
		snprintf(reason, sizeof reason, "token-file '%.100s': %s", w->source->token_file,
			wrong);
		failed(w, reason);
	} else {
		ask(w, token);
	}
	explicit_bzero(token, sizeof token);
}

static void fetch(struct work *w)
{
	w->body = cache_create(w->fetcher->dir, &w->copy);
	if (w->body < 0) {
		could_not_keep(w);
		return;
	}
	progress("fetching %.60s", feedurl_shown(w->source->url).text);
	ask_with_token(w);
	close(w->body);
	cache_discard(w->fetcher->dir, &w->copy);
}

void fetch_source(struct fetcher *fetcher, const struct source *source, int64_t now, bool force,
	struct fetch_report *report)
{
	struct work w = { .fetcher = fetcher, .source = source, .report = report, .now = now };

	memset(report, 0, sizeof *report);
	if (cache_look(fetcher->dir, fetch_name(source), &w.copy) || !identify(&w)) {
		failed(&w, "no memory");
		return;
	}
	report->fetched = w.copy.meta.fetched;
	report->bytes = w.copy.bytes;
	memcpy(report->sha256, w.copy.meta.sha256, sizeof report->sha256);
	if (!force && is_fresh(&w))
		report->result = FETCH_FRESH;
	else
		fetch(&w);
}

/* --- all of them ----------------------------------------------------------------------------------- */

static bool is_wanted(const struct source *source, char *const *names)
{
	if (source->fetch == FETCH_NONE)
		return false;
	for (char *const *name = names; names && *name; name++)
		if (sink_span_equal(fetch_name(source), sink_span_text(*name)))
			return true;
	return !names || !*names;
}

static bool is_any_wanted(const struct config *config, char *const *names)
{
	for (size_t i = 0; i < config->count; i++)
		if (is_wanted(&config->sources[i], names))
			return true;
	return false;
}

int fetch_all(const struct config *config, char *const *names, bool force, fetch_told_fn *told_fn,
	void *arg, struct sink_why *why)
{
	struct fetch_report report;
	struct fetcher *fetcher = NULL;
	int err;

	if (!is_any_wanted(config, names))
		return SINK_OK;
	err = fetch_begin(config, why, &fetcher);
	if (!fetcher)
		return err;
	for (size_t i = 0; i < config->count; i++) {
		const struct source *source = &config->sources[i];

		if (!is_wanted(source, names))
			continue;
		fetch_source(fetcher, source, (int64_t)time(NULL), force, &report);
		told_fn(arg, source, &report);
	}
	fetch_end(fetcher);
	return SINK_OK;
}

int fetch_path(const struct config *config, const struct source *source, struct sink_why *why,
	char *out, size_t size)
{
	char stem[CACHE_STEM_MAX];
	struct stat st;
	int n;

	if (cache_stem(fetch_name(source), stem))
		return sink_why(why, SINK_ENOMEM, "no memory");
	n = snprintf(out, size, "%s/%s.feed", cache_directory(config), stem);
	if (n < 0 || (size_t)n >= size)
		return sink_why(why, SINK_EIO, "the path of the cache directory is too long");
	if (cache_check(cache_directory(config), why))
		return SINK_EIO;
	if (lstat(out, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		return SINK_OK;
	return sink_why(why, SINK_ENOENT, "'%.300s': never fetched", out);
}
