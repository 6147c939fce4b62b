given("of-cope__cope_motion",{"outcomes":"212112122122212112221222","labels":null});
