given("of-cope_n16__cope_2k",{"outcomes":"212112111221112211121211","labels":null});
