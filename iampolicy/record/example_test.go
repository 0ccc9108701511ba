package record_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/iampolicy/record"
)

// A program that makes snapshots runs once as an administrator. What it would
// have needed is less.
func Example() {
	backuptest.Simulate(func() {
		cloud := backuptest.New(backuptest.Options{})
		cfg := cloud.Config(cloud.User("111111111111", "admin", backuptest.Admin()), "eu-west-1")
		volume, err := cloud.AddVolume("111111111111", "eu-west-1", backuptest.Disk{GiB: 8})
		if err != nil {
			fmt.Println(err)
			return
		}

		var calls record.Recorder
		cfg.APIOptions = append(cfg.APIOptions, calls.AddTo)
		if err := takeSnapshot(context.Background(), ec2.NewFromConfig(cfg), volume.ID); err != nil {
			fmt.Println(err)
			return
		}

		opts := record.Options{Account: "111111111111"}
		for _, n := range calls.Needs(opts) {
			fmt.Printf("%s on %s (%s)\n", n.Action, n.Resource, n.Because)
		}
		text, err := json.MarshalIndent(calls.Policy(opts), "", "  ")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(string(text))
	})
	// Output:
	// ec2:CreateSnapshot on arn:aws:ec2:eu-west-1:111111111111:volume/* (CreateSnapshot in eu-west-1)
	// ec2:CreateSnapshot on arn:aws:ec2:eu-west-1::snapshot/* (CreateSnapshot in eu-west-1)
	// ec2:CreateTags on arn:aws:ec2:eu-west-1::snapshot/* (CreateSnapshot in eu-west-1: it tags what it makes)
	// ec2:DescribeVolumes on * (DescribeVolumes in eu-west-1)
	// {
	//   "Version": "2012-10-17",
	//   "Statement": [
	//     {
	//       "Sid": "Recorded0",
	//       "Effect": "Allow",
	//       "Action": "ec2:CreateSnapshot",
	//       "Resource": [
	//         "arn:aws:ec2:eu-west-1:111111111111:volume/*",
	//         "arn:aws:ec2:eu-west-1::snapshot/*"
	//       ]
	//     },
	//     {
	//       "Sid": "Recorded1",
	//       "Effect": "Allow",
	//       "Action": "ec2:CreateTags",
	//       "Resource": "arn:aws:ec2:eu-west-1::snapshot/*",
	//       "Condition": {
	//         "StringEquals": {
	//           "ec2:CreateAction": "CreateSnapshot"
	//         }
	//       }
	//     },
	//     {
	//       "Sid": "Recorded2",
	//       "Effect": "Allow",
	//       "Action": "ec2:DescribeVolumes",
	//       "Resource": "*",
	//       "Condition": {
	//         "StringEquals": {
	//           "aws:RequestedRegion": "eu-west-1"
	//         }
	//       }
	//     }
	//   ]
	// }
}

func takeSnapshot(ctx context.Context, client *ec2.Client, volume string) error {
	if _, err := client.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{volume}}); err != nil {
		return err
	}
	_, err := client.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{
		VolumeId: aws.String(volume), Description: aws.String("nightly"),
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeSnapshot, Tags: []types.Tag{{Key: aws.String("plan"), Value: aws.String("nightly")}},
		}},
	})
	return err
}
