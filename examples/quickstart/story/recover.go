package story

import (
	"context"
	"fmt"
	"time"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/restore"
	"github.com/snapkeep/snapkeep/retention"
)

// restored brings everything that bank had into the clean account, from the
// vault's copies alone, and compares it with what was backed up.
func (s *Story) restored(ctx context.Context) error {
	s.result.Identical = true
	for i, server := range s.servers {
		if server.account != bank {
			continue
		}
		point, err := s.newest(ctx, server)
		if err != nil {
			return err
		}
		if s.opts.Corrupt {
			s.opts.Corrupt = false
			if err := s.flipBlock(point); err != nil {
				return err
			}
		}
		report, err := s.restore(ctx, fmt.Sprintf("bank-%d", i), server, point)
		if err != nil {
			return err
		}
		same, err := s.compare(report, point)
		if err != nil {
			return err
		}
		s.result.RestoredVolumes += len(report.Volumes)
		s.result.Identical = s.result.Identical && same
		s.say("restored %s of %s into %s: %d volumes, identical: %t",
			server.arn(), point.Time.UTC().Format("2006-01-02"), clean, len(report.Volumes), same)
	}
	return nil
}

// newest returns the newest complete copy of a server.
func (s *Story) newest(ctx context.Context, server *server) (backup.Point, error) {
	var newest backup.Point
	filter := backup.PointFilter{CopySites: s.Plan.CopySites(), Plan: s.Plan.Name, Resource: server.arn()}
	for p, err := range s.Engine.Points(ctx, filter) {
		if err != nil {
			return newest, err
		}
		if p.State == retention.Complete && p.Time.After(newest.Time) {
			newest = p
		}
	}
	if newest.ID == "" {
		return newest, fmt.Errorf("no copy of %s", server.arn())
	}
	return newest, nil
}

func (s *Story) restore(ctx context.Context, id string, server *server, point backup.Point) (*restore.Report, error) {
	request := restore.Request{
		ID: id, Point: point, Account: clean, Region: server.region, Zone: server.region + "b", KMSKey: s.cleanKey,
		As: restore.Instance,
	}
	if server.instance == "" {
		request.As = restore.Volumes
	}
	plan, err := s.Restorer.Plan(ctx, request)
	if err != nil {
		return nil, err
	}
	return s.Restorer.Run(ctx, plan)
}

// compare holds what was restored against what the volumes held at the run.
func (s *Story) compare(report *restore.Report, point backup.Point) (bool, error) {
	kept, ok := s.kept[s.runOf(point)]
	if !ok || len(report.Volumes) != len(point.Members) {
		return false, nil
	}
	for _, v := range report.Volumes {
		got, err := s.Cloud.ReadVolume(backuptest.Ref{Account: clean, Region: report.Site.Region, ID: v.Volume})
		if err != nil {
			return false, err
		}
		want, ok := kept[v.Source]
		if !ok || len(want.Blocks) == 0 || !got.Equal(want) {
			return false, nil
		}
	}
	return true, nil
}

// runOf returns the moment that the contents were kept under.
func (s *Story) runOf(point backup.Point) time.Time {
	for at := range s.kept {
		if at.Equal(point.Run) {
			return at
		}
	}
	return time.Time{}
}

// flipBlock damages one block of a copy.
func (s *Story) flipBlock(point backup.Point) error {
	ref := backuptest.Ref{Account: point.Site.Account, Region: point.Site.Region, ID: point.Members[0].Snapshot.ID}
	data, err := s.Cloud.ReadSnapshot(ref)
	if err != nil {
		return err
	}
	for block := range data.Blocks {
		return s.Cloud.FlipBlock(ref, block)
	}
	return fmt.Errorf("%s holds nothing to damage", ref.ID)
}
