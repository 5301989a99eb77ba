package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"
	node "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	heartbeat "sigs.k8s.io/kwok/kustomize/stage/node/heartbeat-with-lease"
	pod "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
	"sigs.k8s.io/kwok/pkg/config"
	"sigs.k8s.io/kwok/pkg/kwok/cmd"
	"sigs.k8s.io/kwok/pkg/log"
	"sigs.k8s.io/kwok/pkg/utils/signals"
)

// runKwok is upstream's main.
func runKwok() int {
	// Kubernetes, linked into the same binary, registers a global --version that is not what this command takes it for.
	pflag.CommandLine = pflag.NewFlagSet(os.Args[0], pflag.ExitOnError)
	flags := pflag.NewFlagSet("global", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}

	ctx, _ := log.InitFlags(signals.SetupSignalContext(), flags)
	ctx, err := config.InitFlags(ctx, flags)
	if err != nil {
		return failed(fmt.Errorf("kwok: %w", err))
	}
	command := cmd.NewCommand(ctx)
	command.PersistentFlags().AddFlagSet(flags)
	if err := command.ExecuteContext(ctx); err != nil {
		return failed(fmt.Errorf("kwok: %w", err))
	}
	return 0
}

// printStages prints the life of nodes and pods as KWOK ships it: nodes stay ready, pods run at once, jobs complete.
func printStages() int {
	stages := []string{
		node.DefaultNodeInit, heartbeat.DefaultNodeHeartbeatWithLease, pod.DefaultPodReady, pod.DefaultPodComplete, pod.DefaultPodDelete,
	}
	if _, err := fmt.Fprintln(os.Stdout, strings.Join(stages, "\n---\n")); err != nil {
		return failed(err)
	}
	return 0
}
