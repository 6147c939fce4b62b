given("of-cope__cope_residual",{"outcomes":"212112122122212112221222","labels":null});
