package conformance_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/ssmsim"
	"github.com/snapkeep/snapkeep/internal/conformance"
)

// simulated returns the simulated AWS as a target.
func simulated(t testing.TB) (*awssim.Cloud, conformance.Target) {
	t.Helper()
	cloud := awssim.New(awssim.Options{Seed: 1})
	trust, err := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + conformance.Vault + `"},"Action":"sts:AssumeRole"}]}`))
	require.NoError(t, err)
	for _, account := range []string{conformance.Owner, conformance.Other} {
		cloud.PutRole(account, awssim.Role{Name: "Bootstrap", Trust: trust, Policies: []*iampolicy.Document{awssim.Admin()}})
	}
	cloud.SSM().ManageAll(&ssmsim.Agent{})
	return cloud, conformance.Target{Config: cloud.Config(cloud.User(conformance.Vault, "admin", awssim.Admin()), "us-east-1")}
}

func TestTheSimulatedAWSDoesAsAWS(t *testing.T) {
	for _, c := range conformance.Cases() {
		t.Run(c.Area+"/"+c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud, target := simulated(t)
				got := c.Run(t.Context(), target)
				require.Equal(t, conformance.Match, got.Verdict, "AWS: %s (%s)\nhere: %s\nmisuse: %v", c.AWS, c.Source, got.What, cloud.Misuse())
				require.Empty(t, cloud.Misuse())
			})
		})
	}
}

func TestCasesAreNamedOnceAndHaveASource(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range conformance.Cases() {
		require.False(t, seen[c.String()], "%s is there twice", c)
		seen[c.String()] = true
		require.NotEmpty(t, c.AWS, c.String())
		require.NotEmpty(t, c.Source, c.String())
	}
	require.Greater(t, len(seen), 170)
}
