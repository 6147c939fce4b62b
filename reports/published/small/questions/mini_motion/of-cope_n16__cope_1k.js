given("of-cope_n16__cope_1k",{"outcomes":"313331311233312311333133","labels":null});
