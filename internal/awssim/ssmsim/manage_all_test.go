package ssmsim_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/ssmsim"
)

func TestEveryInstanceIsManaged(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first, own := w.instance(), w.managed(ssmsim.Agent{Version: "9.9.9.9"})
		list := func() map[string]string {
			out, err := w.as(account, "admin", awssim.Admin()).DescribeInstanceInformation(t.Context(), nil)
			require.NoError(t, err)
			found := map[string]string{}
			for _, info := range out.InstanceInformationList {
				found[*info.InstanceId] = *info.AgentVersion
			}
			return found
		}
		require.Equal(t, map[string]string{own.ID: "9.9.9.9"}, list())
		w.SSM().ManageAll(&ssmsim.Agent{})
		second := w.instance()
		require.Equal(t, map[string]string{first.ID: "3.3.0.0", own.ID: "9.9.9.9", second.ID: "3.3.0.0"}, list())
		w.SSM().ManageAll(nil)
		third := w.instance()
		require.NotContains(t, list(), third.ID)
	})
}
