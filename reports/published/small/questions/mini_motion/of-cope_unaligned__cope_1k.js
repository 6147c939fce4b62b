given("of-cope_unaligned__cope_1k",{"outcomes":"212112111212111212122121","labels":null});
