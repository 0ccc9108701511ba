package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/retention"
)

// The account that is read, and where.
const (
	shop   accounts.ID = "111111111111"
	dublin string      = "eu-west-1"
)

// A world is a simulated account that N2WS has protected so far.
type world struct {
	cloud *backuptest.Cloud
	names map[string]string // by id
}

func newWorld() *world {
	return &world{backuptest.New(backuptest.Options{}), map[string]string{}}
}

// Config makes the world its own sessions: all are shop's administrator.
func (w *world) Config(_ context.Context, id accounts.ID, _ accounts.Purpose, region string) (aws.Config, error) {
	return w.cloud.Config(w.cloud.Root(id), region), nil
}

// template is what the plans of the world have in common.
func template() backup.Plan {
	return backup.Plan{
		Name: "template", Retention: retention.Policy{Last: 7},
		Sources: []backup.Source{{Account: shop, Regions: []string{dublin}, Select: backup.Selector{All: true}}},
	}
}

// furnish fills the account: instances as N2WS's manual tags them, of one a
// volume is excluded, and volumes that are attached to nothing.
func (w *world) furnish() error {
	for _, in := range []struct{ name, key, value string }{
		{"web", "cpm backup", "Daily Weekly#only-snaps"},
		{"db", "cpm_backup", "Daily#app-aware#initial-ami"},
		{"test", "cpm backup", "no-backup"},
		{"fresh", "cpm backup", "Monthly:Weekly"},
	} {
		id, _, err := w.cloud.AddInstance(shop, dublin, backuptest.Instance{Name: in.name, Tags: map[string]string{in.key: in.value}})
		if err != nil {
			return err
		}
		w.names[id] = in.name
	}
	for name, tags := range map[string]map[string]string{
		"archive": {"cpm backup": "Weekly"}, "scratch": {"cpm backup": "#exclude"}, "other": nil,
	} {
		v, err := w.cloud.AddVolume(shop, dublin, backuptest.Disk{Tags: tags})
		if err != nil {
			return err
		}
		w.names[v.ID] = name
	}
	return nil
}

// selected lists what a plan selects, by name.
func (w *world) selected(ctx context.Context, p backup.Plan) (names []string, err error) {
	for _, site := range p.SourceSites() {
		cfg, err := w.Config(ctx, site.Account, accounts.Backup, site.Region)
		if err != nil {
			return nil, err
		}
		for r, err := range ebs.New(ebs.Options{}).Open(cfg, site).Discover(ctx, p.Sources[0].Select) {
			if err != nil {
				return nil, err
			}
			name := w.names[r.ID()]
			if len(r.Excluded) > 0 {
				name += fmt.Sprintf(" without %d volumes", len(r.Excluded))
			}
			names = append(names, name)
		}
	}
	return names, nil
}

// simulate reads a simulated account, and shows what the plans make of it.
func simulate(ctx context.Context, out io.Writer) error {
	w := newWorld()
	if err := w.furnish(); err != nil {
		return err
	}
	m, err := readSites(ctx, w, template())
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "a simulated account, with the tags of N2WS")
	if err := m.print(out); err != nil {
		return err
	}
	for _, p := range m.Plans {
		names, err := w.selected(ctx, p)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s selects %s\n", p.Name, strings.Join(names, ", "))
	}
	return nil
}
