given("of-cope_unaligned__cope_2k",{"outcomes":"212121122122122112221222","labels":null});
