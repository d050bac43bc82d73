return await Kdbus.Cli.CommandLine.RunAsync(args);
