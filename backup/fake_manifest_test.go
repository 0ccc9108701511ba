package backup_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// marker stands in the user data of every instance.
const marker = "c2VjcmV0LW1hcmtlci0xMjM0"

// describing is the cloud as a driver whose clients describe, and the store of
// manifests, in memory.
type describing struct {
	*cloud

	mu     sync.Mutex // guards all below
	state  string     // in the tags of every resource: another state makes other manifests
	asked  [][]string // the resources of each call of Describe
	detail int        // calls of Detail
	refuse func() error
	stored map[backup.ManifestRef][]byte
	// before and after are asked about every Put, as the cloud's are about calls.
	before, after func() error
	puts, gets    int
}

func describingCloud(t *testing.T) *describing {
	return &describing{cloud: story(t), stored: map[backup.ManifestRef][]byte{}}
}

func (d *describing) Open(cfg aws.Config, site backup.Site) backup.Client {
	return &describingClient{d.cloud.Open(cfg, site).(*fakeClient), d}
}

func (d *describing) DescribeCalls(kind string, n int, what backup.ManifestDetails) map[string]int {
	calls := map[string]int{"Describe " + kind: (n + backup.DescribeBatch - 1) / backup.DescribeBatch, "never": 0}
	if what.UserData {
		calls["Detail"] = n
	}
	return calls
}

type describingClient struct {
	*fakeClient
	d *describing
}

var (
	_ backup.Describer       = (*describingClient)(nil)
	_ backup.DescribeCounter = (*describing)(nil)
	_ backup.Manifests       = (*describing)(nil)
)

func (c *describingClient) Describe(ctx context.Context, resources []string) iter.Seq2[backup.Manifest, error] {
	return func(yield func(backup.Manifest, error) bool) {
		if err := c.d.note(resources); err != nil {
			yield(backup.Manifest{}, err)
			return
		}
		for _, r := range c.resources[c.site] {
			if !slices.Contains(resources, r.ARN) {
				continue
			}
			m := backup.Manifest{Resource: r.ARN, Kind: r.Kind, Site: r.Site, Tags: map[string]string{"state": c.d.state}}
			if r.Kind == "instance" {
				m.Instance = &backup.ManifestInstance{InstanceType: "m5.large", KeyName: "ops"}
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}

func (d *describing) note(resources []string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, slices.Clone(resources))
	if d.refuse != nil {
		return d.refuse()
	}
	return nil
}

func (c *describingClient) Detail(ctx context.Context, m *backup.Manifest, what backup.ManifestDetails) error {
	c.d.mu.Lock()
	defer c.d.mu.Unlock()
	c.d.detail++
	if what.UserData && m.Instance != nil {
		m.Instance.UserData = backup.NewSecret(marker)
	}
	return nil
}

func (d *describing) Put(ctx context.Context, ref backup.ManifestRef, body []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.puts++
	if d.before != nil {
		if err := d.before(); err != nil {
			return err
		}
	}
	if err := ref.Validate(); err != nil {
		return err
	}
	d.stored[ref] = slices.Clone(body)
	if d.after != nil {
		return d.after()
	}
	return ctx.Err()
}

func (d *describing) Get(ctx context.Context, ref backup.ManifestRef) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gets++
	body, ok := d.stored[ref]
	if !ok {
		return nil, fmt.Errorf("%s: %w", ref.Key(), backup.ErrNotFound)
	}
	return slices.Clone(body), ctx.Err()
}

// engine returns one that keeps manifests.
func (d *describing) engine(t *testing.T, opts backup.Options) *backup.Engine {
	t.Helper()
	opts.Vault = vault
	if opts.Manifests == nil {
		opts.Manifests = d
	}
	e, err := backup.New(d, []backup.Driver{d}, opts)
	require.NoError(t, err)
	return e
}

// manifests reads the manifest of every point of the plan, by site and resource.
func (d *describing) manifests(t *testing.T, p backup.Plan) map[string]backup.Manifest {
	t.Helper()
	e, all := d.engine(t, backup.Options{}), map[string]backup.Manifest{}
	for _, pt := range points(t, d.cloud, p) {
		m, err := e.Manifest(t.Context(), pt)
		require.NoError(t, err, "%s at %s", pt.Resource, pt.Site)
		require.Equal(t, pt.Resource, m.Resource)
		all[pt.Site.String()+" "+m.Resource[strings.LastIndex(m.Resource, "/")+1:]] = m
	}
	return all
}

// digests returns what the tags of the snapshots at a site name, each once.
func (d *describing) digests(site backup.Site) []string {
	set := map[string]bool{}
	for _, s := range d.at(site) {
		set[s.Tags["snapkeep:manifest"]] = true
	}
	return slices.Sorted(maps.Keys(set))
}
