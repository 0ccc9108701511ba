# Made by iampolicy: change the installation and make it again, not this file.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "vault_account" {
  type        = string
  description = "Account that keeps the copies."
  default     = "999999999999"
}

variable "orchestrator" {
  type        = string
  description = "ARN of the role or user in the vault account that assumes the roles. It must exist."
  default     = "arn:aws:iam::999999999999:role/backup/orchestrator"
}

variable "external_id_prefix" {
  type        = string
  description = "What external ids begin with; a dash and the id of the account follow."
  default     = "fleet-5c1a"
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

resource "aws_iam_role" "snapkeep_backup" {
  name        = "snapkeep-backup"
  description = "Finds, snapshots and shares what the vault account backs up. Cannot delete."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # One principal of the vault account assumes the role, and only on behalf of this account: the
      # external id tells.
      {
        Sid    = "Orchestrator"
        Effect = "Allow"
        Principal = {
          AWS = var.orchestrator
        }
        Action = "sts:AssumeRole"
        Condition = {
          StringEquals = {
            "sts:ExternalId" = "${var.external_id_prefix}-${data.aws_caller_identity.current.account_id}"
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "snapkeep_backup" {
  name = "snapkeep-backup"
  role = aws_iam_role.snapkeep_backup.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # The state of a run and the catalog are read from the snapshots' tags. Plans select instances
      # and volumes by id and tag, and instance stores are named; these calls know no resources,
      # only Regions. What images, locks and the archive hold is not planned to go, and what went to
      # the Recycle Bin is told.
      {
        Sid    = "Describe"
        Effect = "Allow"
        Action = [
          "ec2:DescribeImages",
          "ec2:DescribeInstanceTypes",
          "ec2:DescribeInstances",
          "ec2:DescribeLockedSnapshots",
          "ec2:DescribeSnapshotTierStatus",
          "ec2:DescribeSnapshots",
          "ec2:DescribeVolumes",
          "ec2:ListSnapshotsInRecycleBin",
        ]
        Resource = "*"
        Condition = {
          StringEquals = {
            "aws:RequestedRegion" = [
              "eu-west-1",
              "us-east-1",
            ]
          }
        }
      },
      # Snapshots under the AWS-managed key aws/ebs cannot be shared; only the key's description
      # tells it from a customer key.
      {
        Sid      = "InspectKeys"
        Effect   = "Allow"
        Action   = "kms:DescribeKey"
        Resource = "arn:${data.aws_partition.current.partition}:kms:*:${data.aws_caller_identity.current.account_id}:key/*"
      },
      # A snapshot is asked for of each volume it reads, where the account is backed up.
      {
        Sid    = "SnapshotVolumes"
        Effect = "Allow"
        Action = [
          "ec2:CreateSnapshot",
          "ec2:CreateSnapshots",
        ]
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*:${data.aws_caller_identity.current.account_id}:volume/*"
        Condition = {
          StringEquals = {
            "aws:RequestedRegion" = [
              "eu-west-1",
              "us-east-1",
            ]
          }
        }
      },
      # All volumes of an instance are snapshotted at one moment, which is asked for of the instance
      # too.
      {
        Sid      = "SnapshotInstances"
        Effect   = "Allow"
        Action   = "ec2:CreateSnapshots"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*:${data.aws_caller_identity.current.account_id}:instance/*"
      },
      # No snapshot is made without the tag by which it is later shared and pruned.
      {
        Sid    = "MakeTaggedSnapshots"
        Effect = "Allow"
        Action = [
          "ec2:CreateSnapshot",
          "ec2:CreateSnapshots",
        ]
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/*"
        Condition = {
          StringEquals = {
            "aws:RequestTag/snapkeep:vault" = var.vault_account
          }
        }
      },
      # Tags are set in the call that makes a snapshot and at no other time: who could tag what
      # exists could have it shared or deleted.
      {
        Sid      = "TagNewSnapshots"
        Effect   = "Allow"
        Action   = "ec2:CreateTags"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/*"
        Condition = {
          StringEquals = {
            "aws:RequestTag/snapkeep:vault" = var.vault_account
            "ec2:CreateAction" = [
              "CreateSnapshot",
              "CreateSnapshots",
            ]
          }
        }
      },
      # Only the vault's own snapshots are shared, and only with the accounts that are to copy them.
      {
        Sid      = "ShareOwn"
        Effect   = "Allow"
        Action   = "ec2:ModifySnapshotAttribute"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/snap-*"
        Condition = {
          StringEquals = {
            "aws:ResourceTag/snapkeep:vault" = var.vault_account
            "ec2:Add/userId"                 = var.vault_account
          }
        }
      },
      # A share is taken back as soon as the copy is verified; other shares are not ours to take.
      {
        Sid      = "RevokeOwn"
        Effect   = "Allow"
        Action   = "ec2:ModifySnapshotAttribute"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/snap-*"
        Condition = {
          StringEquals = {
            "aws:ResourceTag/snapkeep:vault" = var.vault_account
            "ec2:Remove/userId"              = var.vault_account
          }
        }
      },
      # A call that shares with an account could share with everyone as well.
      {
        Sid      = "NeverPublic"
        Effect   = "Deny"
        Action   = "ec2:ModifySnapshotAttribute"
        Resource = "*"
        Condition = {
          Null = {
            "ec2:Add/group" = "false"
          }
        }
      },
      # A call that names several accounts, or takes one share back and gives another, must not slip
      # a stranger in.
      {
        Sid      = "NeverToOthers"
        Effect   = "Deny"
        Action   = "ec2:ModifySnapshotAttribute"
        Resource = "*"
        Condition = {
          "ForAnyValue:StringNotEquals" = {
            "ec2:Add/userId" = var.vault_account
          }
        }
      },
    ]
  })
}

output "snapkeep_backup_arn" {
  description = "Role for the purpose backup."
  value       = aws_iam_role.snapkeep_backup.arn
}

resource "aws_iam_role" "snapkeep_pruner" {
  name        = "snapkeep-pruner"
  description = "Deletes the snapshots that the vault account made here."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # One principal of the vault account assumes the role, and only on behalf of this account: the
      # external id tells.
      {
        Sid    = "Orchestrator"
        Effect = "Allow"
        Principal = {
          AWS = var.orchestrator
        }
        Action = "sts:AssumeRole"
        Condition = {
          StringEquals = {
            "sts:ExternalId" = "${var.external_id_prefix}-${data.aws_caller_identity.current.account_id}"
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "snapkeep_pruner" {
  name = "snapkeep-pruner"
  role = aws_iam_role.snapkeep_pruner.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # Only the vault's own snapshots are deleted; which of them, and how old at least, each prune
      # says in its session policy.
      {
        Sid      = "DeleteOwn"
        Effect   = "Allow"
        Action   = "ec2:DeleteSnapshot"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/snap-*"
        Condition = {
          StringEquals = {
            "aws:ResourceTag/snapkeep:vault" = var.vault_account
            "ec2:Owner"                      = data.aws_caller_identity.current.account_id
          }
        }
      },
    ]
  })
}

output "snapkeep_pruner_arn" {
  description = "Role for the purpose pruner."
  value       = aws_iam_role.snapkeep_pruner.arn
}
