given("of-cope_n2__cope_2k",{"outcomes":"212112111221212122121221","labels":null});
