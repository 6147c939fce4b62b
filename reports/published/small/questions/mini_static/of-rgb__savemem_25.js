given("of-rgb__savemem_25",{"outcomes":"332321333332333333231332","labels":null});
