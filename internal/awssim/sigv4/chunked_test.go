package sigv4_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/sigv4"
)

func TestUnchunk(t *testing.T) {
	c, err := sigv4.Unchunk([]byte("5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n"))
	require.NoError(t, err)
	require.Equal(t, "hello world", string(c.Payload))
	require.Equal(t, "DUoRhQ==", c.Trailer.Get("X-Amz-Checksum-Crc32"))
	c, err = sigv4.Unchunk([]byte("0\r\n\r\n"))
	require.NoError(t, err)
	require.Empty(t, c.Payload)
	for name, body := range map[string]string{
		"empty": "", "no size": "hello", "negative": "-1\r\n\r\n", "no end": "5\r\nhello\r\n", "too long": "4\r\nhello\r\n0\r\n\r\n",
		"too short": "9\r\nhello\r\n0\r\n\r\n", "trailer": "0\r\nx\r\n\r\n",
	} {
		_, err := sigv4.Unchunk([]byte(body))
		require.ErrorIs(t, err, sigv4.ErrIncomplete, name)
	}
}

func FuzzUnchunk(f *testing.F) {
	f.Add([]byte(chunks))
	f.Add([]byte("5\r\nhello\r\n0\r\nx-amz-trailer-signature:0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n"))
	f.Add([]byte("ffffffffffffffff\r\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := sigv4.Unchunk(body)
		if err == nil {
			require.LessOrEqual(t, len(c.Payload), len(body))
		}
	})
}
