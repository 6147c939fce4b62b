given("of-cope_n4__cope_1k",{"outcomes":"313111313321113331133313","labels":null});
