given("of-cope_n16__cope_1k",{"outcomes":"212121122112122112221222","labels":null});
