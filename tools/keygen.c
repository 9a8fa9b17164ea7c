/* keygen.c - a key to sign with: the secret one into a file, the public one beside it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "say.h"
#include "sinkhole/sign.h"

static enum status failed(int err, const struct sink_why *why)
{
	say("%s", why->text[0] ? why->text : sink_strerror(err));
	return err == SINK_ENOENT ? STATUS_SYSTEM : status_of(err);
}

/* What is there stays: it may be what resolvers go by. */
static bool write_public(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	size_t len = strlen(line);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, line, len) == (ssize_t)len && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	if (!ok)
		unlink(path);
	return ok;
}

static enum status write_both(const struct sink_signer *signer, const char *path)
{
	char line[SINK_KEY_LINE], id[SINK_KEY_TEXT], beside[PATH_MAX];
	struct sink_why why = { .text = "" };
	int err;

	if ((size_t)snprintf(beside, sizeof beside, "%s.pub", path) >= sizeof beside) {
		say("'%s': path too long", path);
		return STATUS_SYSTEM;
	}
	err = sink_signer_write(signer, path, &why);
	if (err)
		return failed(err, &why);
	sink_signer_public(signer, line);
	if (!write_public(beside, line)) {
		say("'%s': %s; no key made", beside, strerror(errno));
		unlink(path);
		return STATUS_SYSTEM;
	}
	sink_key_text(sink_signer_id(signer), id);
	say("key %s: '%s' signs and is secret, '%s' is for resolvers", id, path, beside);
	return STATUS_DONE;
}

static enum status make(const char *path)
{
	struct sink_why why = { .text = "" };
	struct sink_signer *signer;
	enum status status;
	int err = sink_signer_new(&signer);

	if (err)
		return failed(err, &why);
	status = write_both(signer, path);
	sink_signer_free(signer);
	return status;
}

static enum status show(const char *path)
{
	char line[SINK_KEY_LINE];
	struct sink_why why = { .text = "" };
	struct sink_signer *signer;
	int err = sink_signer_read(path, &why, &signer);

	if (err)
		return failed(err, &why);
	sink_signer_public(signer, line);
	sink_signer_free(signer);
	fputs(line, stdout);
	return STATUS_DONE;
}

static enum status take_option(void *arg, int key, const char *value)
{
	(void)key;
	(void)value;
	*(bool *)arg = true;
	return STATUS_DONE;
}

static enum status keygen_run(const struct command *self, int argc, char **argv)
{
	bool only_public = false; /* of a secret key that is there */
	enum status status;
	int first;

	if (!options_read(self, argc, argv, take_option, &only_public, &first, &status))
		return status;
	if (argc - first != 1)
		return usage_error(self, argc == first ? "no FILE" : "one FILE at a time");
	return only_public ? show(argv[first]) : make(argv[first]);
}

const struct command cmd_keygen = {
	.word = "keygen",
	.operands = "FILE",
	.summary = "make a key to sign with: the secret one in FILE, the public one in FILE.pub",
	.details = "Neither file may exist.\n",
	.options =
		(const struct option_row[]){
			{ 256, "public", NULL, "print the public key of the secret one in FILE" },
			{ 0 },
		},
	.run = keygen_run,
};
