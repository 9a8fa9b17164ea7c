/* sign.c - secret keys by libcrypto's EVP: making, keeping, signing. Who checks what they signed is signed.c. */
#include "sinkhole/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ed25519.h"
#include "file.h"
#include "manifest.h"

#define PEM_MAX 16384 /* bytes of a file; a key's takes 119 */

struct sink_signer {
	EVP_PKEY *pkey;
	struct ed25519_key key; /* its public half */
};

/* Takes the key, whatever it returns.
 *
 * returns  SINK_OK; SINK_EINVAL (of another kind); SINK_ENOMEM
 */
static int signer_of(EVP_PKEY *pkey, struct sink_signer **out)
{
	struct sink_signer *signer = calloc(1, sizeof *signer);
	size_t len = sizeof signer->key.bytes;
	int err = SINK_ENOMEM;

	if (!signer) {
		EVP_PKEY_free(pkey);
		return SINK_ENOMEM;
	}
	signer->pkey = pkey;
	if (EVP_PKEY_id(pkey) != EVP_PKEY_ED25519)
		err = SINK_EINVAL;
	else if (EVP_PKEY_get_raw_public_key(pkey, signer->key.bytes, &len) == 1)
		err = ed25519_name(&signer->key);
	if (err)
		sink_signer_free(signer);
	else
		*out = signer;
	return err;
}

int sink_signer_new(struct sink_signer **out)
{
	EVP_PKEY *pkey;

	ERR_set_mark();
	pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	ERR_pop_to_mark();
	return pkey ? signer_of(pkey, out) : SINK_ENOMEM;
}

void sink_signer_free(struct sink_signer *signer)
{
	if (!signer)
		return;
	EVP_PKEY_free(signer->pkey); /* which clears it */
	free(signer);
}

const uint8_t *sink_signer_id(const struct sink_signer *signer)
{
	return signer->key.id;
}

void sink_signer_public(const struct sink_signer *signer, char out[SINK_KEY_LINE])
{
	ed25519_line(&signer->key, out);
}

/* --- files ------------------------------------------------------------------------------------ */

/* Nobody is asked for a passphrase: who compiles may have no terminal. */
static int no_passphrase(char *out, int size, int writing, void *asked)
{
	(void)out;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

static int parse(const char *path, struct sink_span pem, struct sink_why *why,
	struct sink_signer **out)
{
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
	bool asked = false;
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked) : NULL;
	int err;

	BIO_free(bio);
	if (!bio)
		return sink_why(why, SINK_ENOMEM, "%s: %s", path, sink_strerror(SINK_ENOMEM));
	if (!pkey)
		return sink_why(why, SINK_ECORRUPT, "%s: %s", path,
			asked ? "is under a passphrase" : "holds no secret key");
	err = signer_of(pkey, out);
	if (err == SINK_EINVAL)
		return sink_why(why, SINK_ECORRUPT, "%s: the key in it is none for Ed25519", path);
	return err ? sink_why(why, err, "%s: %s", path, sink_strerror(err)) : SINK_OK;
}

int sink_signer_read(const char *path, struct sink_why *why, struct sink_signer **out)
{
	char pem[PEM_MAX];
	uint64_t size;
	ssize_t len;
	int fd, err = file_open_path(path, why, &fd, &size);

	if (err)
		return err;
	len = file_read(fd, pem, sizeof pem);
	if (len < 0)
		err = sink_why(why, SINK_EIO, "%s: %m", path);
	close(fd);
	if (err)
		return err;
	ERR_set_mark();
	err = parse(path, sink_span(pem, (size_t)len), why, out);
	ERR_pop_to_mark();
	OPENSSL_cleanse(pem, sizeof pem);
	return err;
}

static int write_file(const char *path, struct sink_span bytes, struct sink_why *why)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int err = SINK_OK;

	if (fd < 0)
		return sink_why(why, errno == EEXIST ? SINK_EINVAL : SINK_EIO, "%s: %m", path);
	if (file_write(fd, bytes) || fsync(fd))
		err = sink_why(why, SINK_EIO, "%s: %m", path);
	close(fd);
	if (err)
		unlink(path);
	return err;
}

int sink_signer_write(const struct sink_signer *signer, const char *path, struct sink_why *why)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *pem = NULL;
	long len;
	int err = SINK_ENOMEM;

	ERR_set_mark();
	if (bio && PEM_write_bio_PKCS8PrivateKey(bio, signer->pkey, NULL, NULL, 0, NULL, NULL)) {
		len = BIO_get_mem_data(bio, &pem);
		err = write_file(path, sink_span(pem, (size_t)len), why);
	} else {
		sink_why(why, err, "%s: %s", path, sink_strerror(err));
	}
	BIO_free(bio);
	ERR_pop_to_mark();
	return err;
}

/* --- signing ---------------------------------------------------------------------------------- */

static int sign(const struct sink_signer *signer, struct sink_span what, struct sink_signature *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = sizeof out->bytes;
	bool ok = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, signer->pkey) == 1 &&
		EVP_DigestSign(ctx, out->bytes, &len, what.at, what.len) == 1;

	EVP_MD_CTX_free(ctx);
	memcpy(out->key, signer->key.id, sizeof out->key);
	return ok ? SINK_OK : SINK_ENOMEM;
}

static int by_key(const void *a, const void *b)
{
	const struct sink_signature *x = a, *y = b;

	return memcmp(x->key, y->key, sizeof x->key);
}

/* Are no two by one key? They are in order. */
static bool are_distinct(const struct sink_manifest *m)
{
	for (unsigned i = 1; i < m->signatures_count; i++)
		if (by_key(&m->signatures[i - 1], &m->signatures[i]) == 0)
			return false;
	return true;
}

int sink_manifest_sign(struct sink_manifest *m, struct sink_signer *const *signers, unsigned count,
	struct sink_why *why)
{
	char text[SINK_MANIFEST_MAX];
	struct sink_span what;
	int err = SINK_OK;

	m->signatures_count = 0;
	if (count > SINK_SIGNATURES_MAX)
		return sink_why(why, SINK_EINVAL, "a generation is signed by %d keys at most",
			SINK_SIGNATURES_MAX);
	m->signatures_count = count; /* before: that there are some is part of what is signed */
	what = sink_span(text, manifest_format_signed(m, text));
	ERR_set_mark();
	for (unsigned i = 0; i < count && !err; i++)
		err = sign(signers[i], what, &m->signatures[i]);
	ERR_pop_to_mark();
	if (err) {
		m->signatures_count = 0;
		return sink_why(why, err, "cannot sign: libcrypto gave up");
	}
	qsort(m->signatures, count, sizeof m->signatures[0], by_key);
	if (are_distinct(m))
		return SINK_OK;
	m->signatures_count = 0;
	return sink_why(why, SINK_EINVAL, "the same key signs twice");
}
