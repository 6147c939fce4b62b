given("of-cope_n4__cope_1k",{"outcomes":"212121121222122112221222","labels":null});
