package backup_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/backup"
)

var _ backup.Imager = (*fakeClient)(nil)

type fakeImage struct {
	backup.Image
	site  backup.Site
	made  time.Time
	takes time.Duration
	gone  bool
}

func (f *fakeClient) Images(ctx context.Context, tags map[string]string) iter.Seq2[backup.Image, error] {
	return func(yield func(backup.Image, error) bool) {
		if err := f.enter(ctx, call{op: "own images"}); err != nil {
			yield(backup.Image{}, err)
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, i := range f.imaged {
			if i.site != f.site || i.gone || time.Since(i.made) < f.lag || i.Tags["snapkeep:vault"] != tags["snapkeep:vault"] {
				continue
			}
			is := i.Image
			is.Tags = maps.Clone(i.Tags)
			if time.Since(i.made) < i.takes {
				is.State = backup.ImagePending
			}
			if !yield(is, nil) {
				return
			}
		}
	}
}

// register makes an image. The caller holds mu.
func (f *fakeClient) register(step backup.Step) ([]backup.Snapshot, error) {
	for _, i := range f.imaged {
		if i.site == f.site && !i.gone && i.Name == step.Name {
			return nil, fmt.Errorf("InvalidAMIName.Duplicate: %w", backup.ErrUnknownOutcome)
		}
	}
	for _, id := range step.Snapshots {
		if s := f.snaps[id]; s.site != f.site || s.gone || f.now(s).State != backup.SnapshotCompleted || f.archived(id) {
			f.t.Errorf("registers %s, which is not there or not completed", id)
		}
	}
	m := step.Resource.Machine
	if f.billed != "" {
		m.PlatformDetails = f.billed
	}
	i := &fakeImage{site: f.site, made: time.Now(), takes: time.Minute, Image: backup.Image{
		ID: fmt.Sprintf("ami-%04d", len(f.imaged)+1), Name: step.Name, Owner: f.site.Account, State: backup.ImageAvailable,
		Snapshots: slices.Clone(step.Snapshots), Tags: maps.Clone(step.Tags),
		PlatformDetails: m.PlatformDetails, UsageOperation: m.UsageOperation, ProductCodes: m.ProductCodes,
	}}
	f.imaged = append(f.imaged, i)
	f.images[i.ID] = i.Snapshots
	return []backup.Snapshot{{ID: i.ID}}, nil
}

// deregister removes one. The caller holds mu.
func (f *fakeClient) deregister(step backup.Step) error {
	for _, i := range f.imaged {
		if i.ID == step.Image && i.site == f.site {
			i.gone = true
			delete(f.images, i.ID)
		}
	}
	return nil
}

// left returns the images that are there.
func (c *cloud) left() (list []*fakeImage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, i := range c.imaged {
		if !i.gone {
			list = append(list, i)
		}
	}
	return list
}
