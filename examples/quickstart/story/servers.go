package story

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup/backuptest"
)

// A server is a protected resource and its volumes: an instance, or a single
// detached volume.
type server struct {
	account  accounts.ID
	region   string
	instance string            // empty for a detached volume
	volumes  map[string]string // by device; a detached volume has the device ""
}

// arn of the resource, as recovery points name it.
func (s *server) arn() string {
	kind, id := "instance", s.instance
	if id == "" {
		kind, id = "volume", s.volumes[""]
	}
	return fmt.Sprintf("arn:aws:ec2:%s:%s:%s/%s", s.region, s.account, kind, id)
}

// archive is the detached volume.
func (w *World) archive() *server { return w.servers[len(w.servers)-1] }

// makeServers makes what is worth protecting: volumes under a customer key,
// under `aws/ebs`, and unencrypted.
func (w *World) makeServers(ctx context.Context) error {
	disk := func(device, key string, gib int32) types.BlockDeviceMapping {
		d := types.BlockDeviceMapping{DeviceName: aws.String(device), Ebs: &types.EbsBlockDevice{
			VolumeSize: aws.Int32(gib), VolumeType: types.VolumeTypeGp3,
		}}
		switch key {
		case "":
		case "aws/ebs":
			d.Ebs.Encrypted = aws.Bool(true)
		default:
			d.Ebs.Encrypted, d.Ebs.KmsKeyId = aws.Bool(true), aws.String(key)
		}
		return d
	}
	for _, s := range []struct {
		account      accounts.ID
		region, name string
		disks        []types.BlockDeviceMapping
	}{
		{shop, dublin, "web", []types.BlockDeviceMapping{
			disk("/dev/xvda", "", 8), disk("/dev/sdf", w.sourceKeys[shop], 20),
		}},
		{bank, virginia, "ledger", []types.BlockDeviceMapping{
			disk("/dev/xvda", "aws/ebs", 8), disk("/dev/sdf", w.sourceKeys[bank], 50), disk("/dev/sdg", "", 10),
		}},
	} {
		made, err := w.runInstance(ctx, s.account, s.region, s.name, s.disks)
		if err != nil {
			return fmt.Errorf("instance %s: %w", s.name, err)
		}
		w.servers = append(w.servers, made)
	}
	w.shopInstance = w.servers[0].instance
	archive, err := w.makeVolume(ctx, bank, virginia, w.sourceKeys[bank], 30)
	w.servers = append(w.servers, &server{account: bank, region: virginia, volumes: map[string]string{"": archive}})
	return err
}

func (w *World) runInstance(ctx context.Context, account accounts.ID, region, name string, disks []types.BlockDeviceMapping) (*server, error) {
	client := ec2.NewFromConfig(w.config(w.admin(account), region))
	out, err := client.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: aws.String(w.Cloud.BaseImage(region, types.ArchitectureValuesX8664)), InstanceType: types.InstanceTypeM5dLarge,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), BlockDeviceMappings: disks,
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{
			{Key: aws.String("Name"), Value: aws.String(name)}, {Key: aws.String("backup"), Value: aws.String("daily")},
		}}},
	})
	if err != nil {
		return nil, err
	}
	s := &server{account: account, region: region, volumes: map[string]string{}, instance: aws.ToString(out.Instances[0].InstanceId)}
	time.Sleep(time.Minute) // until it runs
	found, err := client.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{s.instance}})
	if err != nil {
		return nil, err
	}
	for _, m := range found.Reservations[0].Instances[0].BlockDeviceMappings {
		s.volumes[aws.ToString(m.DeviceName)] = aws.ToString(m.Ebs.VolumeId)
	}
	return s, nil
}

// makeVolume makes a detached volume; no key means unencrypted.
func (w *World) makeVolume(ctx context.Context, account accounts.ID, region, key string, gib int32) (string, error) {
	in := &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String(region + "a"), Size: aws.Int32(gib), VolumeType: types.VolumeTypeGp3,
	}
	if key != "" {
		in.Encrypted, in.KmsKeyId = aws.Bool(true), aws.String(key)
	}
	out, err := ec2.NewFromConfig(w.config(w.admin(account), region)).CreateVolume(ctx, in)
	if err != nil {
		return "", err
	}
	time.Sleep(time.Minute) // until it is available
	return aws.ToString(out.VolumeId), nil
}

// makeForeignSnapshot makes a snapshot in shop that snapkeep has no business with.
func (w *World) makeForeignSnapshot(ctx context.Context) error {
	volume, err := w.makeVolume(ctx, shop, dublin, "", 1)
	if err != nil {
		return err
	}
	out, err := ec2.NewFromConfig(w.config(w.admin(shop), dublin)).CreateSnapshot(ctx,
		&ec2.CreateSnapshotInput{VolumeId: aws.String(volume), Description: aws.String("before the upgrade")})
	if err != nil {
		return err
	}
	w.foreignSnapshot = aws.ToString(out.SnapshotId)
	return nil
}

// work changes some blocks of every volume, as a day's work does. Equal seeds
// and days write the same.
func (w *World) work(seed uint64, date int) error {
	for n, s := range w.servers {
		for device, volume := range s.volumes {
			random := rand.New(rand.NewPCG(seed, uint64(date)<<32|uint64(n)<<16|uint64(len(device)*256)+uint64(lastByte(device))))
			for range 3 + random.IntN(4) {
				data := make([]byte, 64+random.IntN(2048))
				for i := range data {
					data[i] = byte(random.Uint32())
				}
				if err := w.Cloud.WriteVolume(s.volume(volume), int64(random.IntN(1024)), data); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// volume names one of the server's volumes to the simulation.
func (s *server) volume(id string) backuptest.Ref {
	return backuptest.Ref{Account: s.account, Region: s.region, ID: id}
}

func lastByte(s string) byte {
	if s == "" {
		return 0
	}
	return s[len(s)-1]
}

// keep remembers what every volume holds, to compare with later.
func (w *World) keep(at time.Time) error {
	w.kept[at] = map[string]backuptest.Contents{}
	for _, server := range w.servers {
		if w.gone[server.account] {
			continue
		}
		for _, id := range server.volumes {
			data, err := w.Cloud.ReadVolume(server.volume(id))
			if err != nil {
				return err
			}
			w.kept[at][id] = data
		}
	}
	return nil
}
