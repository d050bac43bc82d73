return Kdbus.Daemon.Cli.CommandLine.Run(args);
