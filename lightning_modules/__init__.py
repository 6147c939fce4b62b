"""How the models are trained: LightningModules and DataModules."""
