given("of-cope_n4__cope_2k",{"outcomes":"212121122122122112221222","labels":null});
