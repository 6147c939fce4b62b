given("of-cope_n4__cope_1k",{"outcomes":"212321333223333333333333","labels":null});
