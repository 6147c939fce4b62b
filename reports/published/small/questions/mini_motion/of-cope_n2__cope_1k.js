given("of-cope_n2__cope_1k",{"outcomes":"312111333333113211331331","labels":null});
