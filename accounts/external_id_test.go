package accounts_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
)

func TestExternalIDsAreNewAndFitToBeSent(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := accounts.NewExternalID()
		require.Regexp(t, `^[A-Z2-7]{26}$`, id) // 26 × 5 bits
		require.False(t, seen[id])
		seen[id] = true
	}
}

func TestDerivedExternalIDsAreStableAndDistinct(t *testing.T) {
	secret := bytes.Repeat([]byte{7}, 16)
	derive, err := accounts.DeriveExternalIDs(secret)
	require.NoError(t, err)
	other, err := accounts.DeriveExternalIDs(bytes.Repeat([]byte{8}, 16))
	require.NoError(t, err)

	// Written down: another value would lock every host out of its accounts.
	require.Equal(t, "JMRF4CKPC5S65ECNCW2V6MOPD4", derive("111111111111"))
	require.NotEqual(t, derive("111111111111"), derive("222222222222"))
	require.NotEqual(t, derive("111111111111"), other("111111111111"))

	before := derive("111111111111")
	clear(secret)
	require.Equal(t, before, derive("111111111111"), "the secret was copied")
}

func TestShortSecretsAreRefusedAndNotRepeated(t *testing.T) {
	_, err := accounts.DeriveExternalIDs([]byte("fifteen bytes !"))
	require.ErrorContains(t, err, "at least 16 bytes")
	require.NotContains(t, err.Error(), "fifteen")
}
