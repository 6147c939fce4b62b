given("of-cope__cope_zero",{"outcomes":"212112122112212112221222","labels":null});
