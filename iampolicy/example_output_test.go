package iampolicy_test

import (
	"fmt"
	"strings"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// show prints the lines of an output that hold one of the words.
func show(output []byte, words ...string) {
	for line := range strings.Lines(string(output)) {
		for _, word := range words {
			if strings.Contains(line, word) {
				fmt.Print(strings.TrimLeft(line, " "))
				break
			}
		}
	}
}

func ExampleInstallation_Template() {
	i := iampolicy.Installation{
		Vault:        "999999999999",
		Orchestrator: "arn:aws:iam::999999999999:role/backup-orchestrator",
		ExternalID:   "vault-7c1e",
		Regions:      []string{"eu-west-1"},
		VaultKeys:    []string{"arn:aws:kms:eu-west-1:999999999999:key/6f1c9a58-5f0e-4e9d-9d55-0f6f2c1b7a10"},
		KeyAdmins:    []string{"arn:aws:iam::999999999999:role/key-admin"},
		Protected: []iampolicy.Protected{{
			Account: "111111111111", ExternalID: "first-9b2d", Regions: []string{"eu-west-1"},
		}},
	}
	t, err := i.Template("111111111111")
	if err != nil {
		fmt.Println(err)
		return
	}
	show(t.CloudFormation(), "RoleName", "Default", "snapshot/snap-*")
	show(t.Terraform(), "resource ")
	// Output:
	// Default: "999999999999"
	// Default: "arn:aws:iam::999999999999:role/backup-orchestrator"
	// Default: "first-9b2d"
	// RoleName: "snapkeep-backup"
	// Fn::Sub: "arn:${AWS::Partition}:ec2:*::snapshot/snap-*"
	// Fn::Sub: "arn:${AWS::Partition}:ec2:*::snapshot/snap-*"
	// RoleName: "snapkeep-pruner"
	// Fn::Sub: "arn:${AWS::Partition}:ec2:*::snapshot/snap-*"
	// resource "aws_iam_role" "snapkeep_backup" {
	// resource "aws_iam_role_policy" "snapkeep_backup" {
	// resource "aws_iam_role" "snapkeep_pruner" {
	// resource "aws_iam_role_policy" "snapkeep_pruner" {
}

func ExampleInstallation_StackSet() {
	i := iampolicy.Installation{
		Vault:        "999999999999",
		Orchestrator: "arn:aws:iam::999999999999:role/backup-orchestrator",
		ExternalID:   "vault-7c1e",
		Regions:      []string{"eu-west-1"},
		VaultKeys:    []string{"arn:aws:kms:eu-west-1:999999999999:key/6f1c9a58-5f0e-4e9d-9d55-0f6f2c1b7a10"},
		KeyAdmins:    []string{"arn:aws:iam::999999999999:role/key-admin"},
	}
	t, err := i.StackSet(iampolicy.Protected{Regions: []string{"eu-west-1", "eu-central-1"}, ExternalID: "fleet-5c1a"})
	if err != nil {
		fmt.Println(err)
		return
	}
	show(t.CloudFormation(), "Default", "AWS::AccountId")
	// Output:
	// Default: "999999999999"
	// Default: "arn:aws:iam::999999999999:role/backup-orchestrator"
	// Default: "fleet-5c1a"
	// Fn::Sub: "${ExternalIdPrefix}-${AWS::AccountId}"
	// Fn::Sub: "arn:${AWS::Partition}:kms:*:${AWS::AccountId}:key/*"
	// Fn::Sub: "arn:${AWS::Partition}:ec2:*:${AWS::AccountId}:volume/*"
	// Fn::Sub: "arn:${AWS::Partition}:ec2:*:${AWS::AccountId}:instance/*"
	// Fn::Sub: "${ExternalIdPrefix}-${AWS::AccountId}"
	// Ref: "AWS::AccountId"
}
